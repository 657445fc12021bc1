// What a decoder that was taken over would try. Each tells how far it came; at kStrict many of them kill the process.
#pragma once

#include <string>
#include <string_view>

namespace sandbox {

inline constexpr std::string_view kProbeNames[] = {
    "open-file",           // for reading
    "write-file",          // a new one in /tmp
    "socket",              // of any kind
    "exec",                // this program again
    "fork",                // a process, not a thread
    "signal-parent",       // whether one could be sent
    "parent-environment",  // /proc/PPID/environ
    "parent-memory",       // /proc/PPID/mem
    "parent-read",         // process_vm_readv
    "environment",         // whether its own holds anything
};

// "refused", "empty" (of the environment) or "POSSIBLE"; "unknown" for another name. May not return.
[[nodiscard]] std::string RunProbe(std::string_view name);

}  // namespace sandbox
