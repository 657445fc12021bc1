"""What matters about the templates, held over every resource: encryption, least rights, dead letters, alarms, the document's section 8."""
import json
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import templates  # noqa: E402

ROOT = templates.FOLDER.parent.parent
ENVIRONMENTS = ("sandbox", "pre-production", "production")


def statements(document):
    listed = document["Statement"]
    return [each if "Fn::If" not in each else each["Fn::If"][1] for each in (listed if isinstance(listed, list) else [listed])]


def as_list(value):
    return value if isinstance(value, list) else [value]


class Encryption(unittest.TestCase):
    # Where each kind of store says by which key it is encrypted.
    KEYS = {
        "AWS::SQS::Queue": ("KmsMasterKeyId",),
        "AWS::SNS::Topic": ("KmsMasterKeyId",),
        "AWS::Kinesis::Stream": ("StreamEncryption", "KeyId"),
        "AWS::DynamoDB::Table": ("SSESpecification", "KMSMasterKeyId"),
        "AWS::Logs::LogGroup": ("KmsKeyId",),
        "AWS::Lambda::Function": ("KmsKeyArn",),
        "AWS::Events::EventBus": ("KmsKeyIdentifier",),
        "AWS::Events::Archive": ("KmsKeyIdentifier",),
    }

    def test_every_store_is_encrypted_with_our_key(self):
        for kind, path in self.KEYS.items():
            found = templates.resources(kind)
            self.assertTrue(found, kind)
            for resource in found:
                value = resource.properties
                for step in path:
                    self.assertIn(step, value, resource)
                    value = value[step]
                self.assertIn(value, ({"Ref": "KmsKeyArn"}, {"Fn::GetAtt": ["Security", "Outputs.KeyArn"]}), resource)

    def test_buckets_are_encrypted_private_versioned_and_refuse_plain_http(self):
        policies = {r.properties["Bucket"]["Ref"]: statements(r.properties["PolicyDocument"]) for r in templates.resources("AWS::S3::BucketPolicy")}
        buckets = templates.resources("AWS::S3::Bucket")
        self.assertGreaterEqual(len(buckets), 2)
        for bucket in buckets:
            rules = bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            kind = rules[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
            self.assertEqual(kind, "AES256" if bucket.name == "AccessLogs" else "aws:kms", bucket)
            self.assertEqual(set(bucket.properties["PublicAccessBlockConfiguration"].values()), {True}, bucket)
            self.assertEqual(bucket.properties["VersioningConfiguration"]["Status"], "Enabled", bucket)
            self.assertTrue(bucket.properties["LifecycleConfiguration"]["Rules"], bucket)
            denied = [s for s in policies[bucket.name] if s["Effect"] == "Deny" and s.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}]
            self.assertTrue(denied, bucket)

    def test_table_can_be_restored_and_forgets_what_has_expired(self):
        (table,) = templates.resources("AWS::DynamoDB::Table")
        self.assertTrue(table.properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"])
        self.assertTrue(table.properties["TimeToLiveSpecification"]["Enabled"])
        self.assertEqual(table.properties["BillingMode"], "PAY_PER_REQUEST")

    def test_what_lasts_is_kept_when_the_stack_goes(self):
        for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Kinesis::Stream", "AWS::KMS::Key", "AWS::Logs::LogGroup"):
            for resource in templates.resources(kind):
                self.assertEqual(resource.body.get("DeletionPolicy"), "Retain", resource)
                self.assertEqual(resource.body.get("UpdateReplacePolicy"), "Retain", resource)

    def test_the_key_that_is_made_rotates(self):
        (key,) = templates.resources("AWS::KMS::Key")
        self.assertTrue(key.properties["EnableKeyRotation"])
        self.assertEqual(key.body["Condition"], "MakeKey")


class Rights(unittest.TestCase):
    # Statements that name every resource, and why they must. A new one is a decision, so it fails here first.
    EVERY_RESOURCE = {
        ("security.yaml", "NetworkInterfaces"): "Describe takes no resource, new interfaces have no ARN yet",
        ("security.yaml", "NotFromWithinTheFunction"): "denies",
        ("security.yaml", "Traces"): "X-Ray has no resources",
        ("security.yaml", "Streams"): "ListStreams takes no resource",
        ("security.yaml", "Logs"): "log deliveries have no ARNs",
        ("network.yaml", "Ours"): "KMS, metrics, traces and STS through their endpoints, by principals of this account",
    }

    def policies(self):
        for role in templates.resources("AWS::IAM::Role"):
            for policy in role.properties.get("Policies", []):
                yield role, policy["PolicyDocument"]
        for policy in templates.resources("AWS::IAM::ManagedPolicy"):
            yield policy, policy.properties["PolicyDocument"]
        for endpoint in templates.resources("AWS::EC2::VPCEndpoint"):
            yield endpoint, endpoint.properties["PolicyDocument"]

    def test_no_policy_allows_every_action(self):
        count = 0
        for resource, document in self.policies():
            for statement in statements(document):
                count += 1
                self.assertNotIn("NotAction", statement, resource)
                for action in as_list(statement["Action"]):
                    self.assertNotIn("*", action, resource)
        self.assertGreater(count, 40)

    def test_every_resource_is_named_only_where_it_must(self):
        for resource, document in self.policies():
            for statement in statements(document):
                if "*" in as_list(statement["Resource"]):
                    self.assertIn((resource.template, statement["Sid"]), self.EVERY_RESOURCE, resource)

    def test_every_endpoint_serves_this_account_alone(self):
        endpoints = templates.resources("AWS::EC2::VPCEndpoint")
        self.assertGreaterEqual(len(endpoints), 12)
        for endpoint in endpoints:
            for statement in statements(endpoint.properties["PolicyDocument"]):
                self.assertEqual(statement["Condition"], {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}, endpoint)

    def test_every_service_that_a_role_may_call_has_an_endpoint(self):
        names = {"dynamodb", "s3"} | {r.properties["ServiceName"]["Fn::Sub"].rsplit(".", 1)[1] for r in templates.resources("AWS::EC2::VPCEndpoint")}
        named = {"kinesis": "kinesis-streams", "cloudwatch": "monitoring"}
        # ec2 is called by the Lambda service, not from the subnets.
        for role in templates.resources("AWS::IAM::Role"):
            if role.name in ("FanInRole", "AccountLogRole"):
                continue
            for policy in role.properties.get("Policies", []):
                for statement in statements(policy["PolicyDocument"]):
                    for action in as_list(statement["Action"]):
                        service = action.split(":")[0]
                        self.assertIn(named.get(service, service), names, f"{role} {action}")

    def test_queues_refuse_plain_http_and_unknown_senders(self):
        for policy in templates.resources("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
            found = statements(policy.properties["PolicyDocument"])
            self.assertEqual(found[0]["Sid"], "TlsOnly", policy)
            for statement in found[1:]:
                self.assertIn("aws:SourceAccount", statement["Condition"]["StringEquals"], policy)

    def test_every_function_has_a_role_of_its_own(self):
        roles = [r.properties["Parameters"]["RoleArn"]["Ref"] for r in templates.instances("modules/function.yaml")]
        self.assertEqual(len(roles), len(set(roles)))
        root = templates.load("ubertoons.yaml")
        for role in roles:
            self.assertEqual(root["Parameters"][role]["Default"], "", "the security team may give its own")

    def test_functions_cannot_change_network_interfaces_themselves(self):
        run = templates.load("security.yaml")["Resources"]["RunPolicy"]["Properties"]["PolicyDocument"]
        by_sid = {s["Sid"]: s for s in statements(run)}
        denied = set(by_sid["NotFromWithinTheFunction"]["Action"])
        self.assertEqual(denied, {a for a in by_sid["NetworkInterfaces"]["Action"] if "Describe" not in a})


class Couplings(unittest.TestCase):
    def test_functions_and_queues_are_made_by_their_modules_alone(self):
        self.assertEqual({r.template for r in templates.resources("AWS::Lambda::Function")}, {"modules/function.yaml"})
        self.assertEqual({r.template for r in templates.resources("AWS::SQS::Queue")}, {"modules/queue.yaml"})
        self.assertGreaterEqual(len(templates.instances("modules/function.yaml")), 11)
        self.assertGreaterEqual(len(templates.instances("modules/queue.yaml")), 6)

    def test_visibility_is_six_times_the_functions_timeout(self):
        module = templates.load("modules/queue.yaml")
        table = module["Mappings"]["Visibility"]
        self.assertEqual(sorted(table), sorted(module["Parameters"]["FunctionTimeoutSeconds"]["AllowedValues"]))
        for timeout, row in table.items():
            self.assertEqual(row["Seconds"], 6 * int(timeout))

    def test_queue_and_function_are_given_the_same_timeout(self):
        queues = {r.name: r.properties["Parameters"]["FunctionTimeoutSeconds"] for r in templates.instances("modules/queue.yaml")}
        functions = {r.name: r.properties["Parameters"]["TimeoutSeconds"] for r in templates.instances("modules/function.yaml")}
        pairs = {"InputQueue": "Split", "IngestQueue": "Ingest", "DataQueue": "DataWorker", "ImageQueue": "ImageWorker", "MediaQueue": "MediaWorker", "CustomQueue": "CustomWorker"}
        for queue, function in pairs.items():
            self.assertEqual(queues[queue], functions[function], queue)

    def test_a_queue_has_dead_letters_and_alarms(self):
        made = templates.load("modules/queue.yaml")["Resources"]
        self.assertEqual(made["Queue"]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"], {"Fn::GetAtt": ["DeadLetters", "Arn"]})
        for alarm, metric in (("DeadLettersAlarm", "ApproximateNumberOfMessagesVisible"), ("AgeAlarm", "ApproximateAgeOfOldestMessage")):
            self.assertEqual(made[alarm]["Properties"]["MetricName"], metric)
        self.assertGreaterEqual(templates.load("modules/queue.yaml")["Parameters"]["MaxReceiveCount"]["MinValue"], 5)

    def test_a_function_has_a_log_group_alarms_the_vpc_and_no_reserved_concurrency(self):
        made = templates.load("modules/function.yaml")["Resources"]
        function = made["Function"]["Properties"]
        self.assertIn("VpcConfig", function)
        self.assertNotIn("ReservedConcurrentExecutions", function)
        self.assertEqual(function["LoggingConfig"], {"LogGroup": {"Ref": "Logs"}})
        self.assertEqual({a["Properties"]["MetricName"] for a in made.values() if a["Type"] == "AWS::CloudWatch::Alarm"}, {"Errors", "Throttles", "Duration"})

    def test_concurrency_is_capped_at_every_queue(self):
        sources = [r for r in templates.resources("AWS::Lambda::EventSourceMapping") if "StartingPosition" not in r.properties]
        self.assertGreaterEqual(len(sources), 11)
        for source in sources:
            self.assertIn("MaximumConcurrency", source.properties["ScalingConfig"], source)
            self.assertEqual(source.properties["FunctionResponseTypes"], ["ReportBatchItemFailures"], source)

    def test_every_work_queue_has_dead_letters_that_are_buried(self):
        sources = templates.load("compute.yaml")["Resources"]
        for name in ("Input", "Data", "Image", "Media", "Custom"):
            self.assertEqual(sources[f"{name}ToBury"]["Properties"]["FunctionName"], {"Fn::GetAtt": ["Bury", "Outputs.Arn"]})

    def test_every_log_group_has_a_retention(self):
        groups = templates.resources("AWS::Logs::LogGroup")
        self.assertGreaterEqual(len(groups), 6)
        for group in groups:
            self.assertIn("RetentionInDays", group.properties, group)

    def test_every_class_of_the_topic_has_one_subscription(self):
        classes = [r.properties["FilterPolicy"]["class"] for r in templates.resources("AWS::SNS::Subscription") if r.template == "messaging.yaml"]
        self.assertEqual(sorted(c for one in classes for c in one), ["data", "image", "media", "word-cloud"])

    def test_names_that_are_made_of_parts_agree(self):
        # The composite alarm, the roles and the dashboard name resources by text; each such name must be made somewhere.
        made = set()
        for module, suffixes in (("modules/queue.yaml", ("", "-dead")), ("modules/function.yaml", ("",))):
            for stack in templates.instances(module):
                key = "QueueName" if "queue" in module else "FunctionName"
                made |= {stack.properties["Parameters"][key]["Fn::Sub"] + suffix for suffix in suffixes}
        text = (templates.FOLDER / "security.yaml").read_text()
        for name in re.findall(r":(?:sqs|lambda):\$\{AWS::Region\}:\$\{AWS::AccountId\}:(?:function:)?(\$\{Prefix\}-[a-z-]+)\"", text):
            self.assertIn(name, made)
        alarms = {name + end for name in made for end in ("-errors", "-throttles", "-duration", "-dead-letters", "-age")}
        alarms |= {r.properties["AlarmName"]["Fn::Sub"] for r in templates.resources("AWS::CloudWatch::Alarm") if not r.template.startswith("modules/")}
        rule = templates.load("observability.yaml")["Resources"]["Unhealthy"]["Properties"]["AlarmRule"]["Fn::Sub"]
        watched = re.findall(r'ALARM\("([^"]+)"\)', rule)
        self.assertGreaterEqual(len(watched), 8)
        for alarm in watched:
            self.assertIn(alarm, alarms)

    def test_the_dashboard_is_json_and_names_what_is_made(self):
        body = templates.load("observability.yaml")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        widgets = json.loads(body)["widgets"]
        self.assertGreaterEqual(len(widgets), 10)
        text = json.dumps(widgets)
        for part in ("work-image-dead", "worker-media", "ConsumedWriteCapacityUnits", "ToonsFailed", "ExecutionsFailed"):
            self.assertIn(part, text)


class SectionEight(unittest.TestCase):
    def test_parameters_of_the_document_are_there(self):
        parameters = templates.load("ubertoons.yaml")["Parameters"]
        for name in ("UserPoolId", "PrivateSubnetIds", "VpcId", "CreateEndpoints", "EndpointSecurityGroupId", "TableName", "Environment", "KmsKeyArn"):
            self.assertIn(name, parameters)

    def test_outputs_name_all_that_a_client_needs(self):
        outputs = templates.load("ubertoons.yaml")["Outputs"]
        for name in ("ApiUrl", "InputQueueUrl", "DataQueueUrl", "TopicArn", "TableName", "BucketName", "BusName", "StateMachineArn", "KmsKeyArn", "StreamName"):
            self.assertIn(name, outputs)

    def test_every_environment_has_its_parameters_and_none_that_are_unknown(self):
        parameters = templates.load("ubertoons.yaml")["Parameters"]
        given_elsewhere = {"CodeBucket", "CodePrefix"}  # by the pipeline, per version
        for environment in ENVIRONMENTS:
            given = templates.parameter_file(environment)["Parameters"]
            self.assertEqual(given["Environment"], environment)
            self.assertLessEqual(set(given), set(parameters))
            needed = {name for name, body in parameters.items() if "Default" not in body} - given_elsewhere
            self.assertLessEqual(needed, set(given), environment)

    def test_components_of_the_document_are_made(self):
        for kind in (
            "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine", "AWS::ApiGateway::RestApi", "AWS::Lambda::Function", "AWS::DynamoDB::Table",
            "AWS::EC2::VPCEndpoint", "AWS::IAM::Role", "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::Kinesis::Stream", "AWS::Events::EventBus", "AWS::Events::Archive",
            "AWS::WAFv2::WebACL", "AWS::NetworkFirewall::Firewall", "AWS::CloudWatch::Dashboard", "AWS::ApiGateway::Authorizer",
        ):
            self.assertTrue(templates.resources(kind), kind)


class Api(unittest.TestCase):
    def test_the_template_is_what_the_openapi_document_makes(self):
        done = subprocess.run([sys.executable, ROOT / "tools" / "api_template.py", "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_path_but_those_served_elsewhere_has_a_method(self):
        document = json.loads((ROOT / "src" / "api" / "openapi.json").read_text())
        wanted = {
            operation["operationId"]
            for path, item in document["paths"].items()
            if not path.startswith(("/blobs/", "/metrics", "/.well-known/", "/backups"))
            for verb, operation in item.items()
            if verb != "parameters"
        }
        self.assertEqual({r.properties["OperationName"] for r in templates.resources("AWS::ApiGateway::Method")}, wanted)

    def test_all_but_health_and_the_document_ask_for_a_token(self):
        open_to_all = {r.properties["OperationName"] for r in templates.resources("AWS::ApiGateway::Method") if r.properties["AuthorizationType"] == "NONE"}
        self.assertEqual(open_to_all, {"openApi", "health", "ready"})

    def test_bodies_are_validated_whatever_curl_calls_them(self):
        bodies = [r for r in templates.resources("AWS::ApiGateway::Method") if "RequestModels" in r.properties]
        self.assertGreaterEqual(len(bodies), 2)
        for method in bodies:
            self.assertEqual(set(method.properties["RequestModels"]), {"application/json", "application/x-www-form-urlencoded"}, method)

    def test_models_take_the_documents_own_examples_and_refuse_others(self):
        import jsonschema

        document = json.loads((ROOT / "src" / "api" / "openapi.json").read_text())
        model = templates.load("api.yaml")["Resources"]["SubmissionModel"]["Properties"]["Schema"]
        check = jsonschema.Draft4Validator(model)
        check.check_schema(model)
        body = document["paths"]["/submit-job"]["post"]["requestBody"]["content"]["application/json"]["example"]
        check.validate(body)
        for broken in ({}, {**body, "unknown": 1}, {**body, "toons": []}, {**body, "manifestUri": "upload://" + "0" * 64}, {**body, "jobId": ""}):
            self.assertFalse(check.is_valid(broken), broken)

    def test_throttling_logs_and_the_firewall_stand_before_the_stage(self):
        made = templates.load("api.yaml")["Resources"]
        settings = made["Stage"]["Properties"]["MethodSettings"][0]
        self.assertEqual(settings["ThrottlingRateLimit"], {"Ref": "RequestsPerSecond"})
        self.assertFalse(settings["DataTraceEnabled"])
        self.assertIn("AccessLogSetting", made["Stage"]["Properties"])
        self.assertEqual(made["FirewallOnStage"]["Properties"]["WebACLArn"], {"Fn::GetAtt": ["Firewall", "Arn"]})


class Pipeline(unittest.TestCase):
    def stages(self):
        return templates.pipeline()["Pipeline"]["Properties"]["Stages"]

    def test_stages_follow_the_document(self):
        self.assertEqual([stage["Name"] for stage in self.stages()], ["Source", "Build", "Sandbox", "PreProduction", "Production"])

    def test_every_deployment_is_a_change_set_that_is_called_and_can_be_taken_back(self):
        for stage in self.stages()[2:]:
            actions = [a for a in stage["Actions"] if "Fn::If" not in a]
            self.assertEqual([a["Name"] for a in sorted(actions, key=lambda a: a["RunOrder"])], ["ChangeSet", "Execute", "Calls"])
            self.assertEqual(stage["OnFailure"], {"Result": "ROLLBACK"})
            rule = stage["OnSuccess"]["Conditions"][0]["Rules"][0]
            self.assertIn("-unhealthy", rule["Configuration"]["AlarmName"]["Fn::Sub"])

    def test_only_production_may_wait_for_a_person_and_only_if_asked(self):
        conditional = [(stage["Name"], a["Fn::If"][0]) for stage in self.stages() for a in stage["Actions"] if "Fn::If" in a]
        self.assertEqual(conditional, [("Production", "Approve")])

    def test_codebuild_runs_what_everybody_runs(self):
        import yaml

        spec = yaml.safe_load((ROOT / "deploy" / "pipeline" / "buildspec.yaml").read_text())
        commands = spec["phases"]["build"]["commands"]
        self.assertTrue(all(command.startswith("./dev ") for command in commands), commands)
        verbs = (ROOT / "dev").read_text()
        for command in commands:
            self.assertIn(f"\n  {command.split()[1]}) ", verbs, command)

    def test_files_that_the_projects_name_are_there(self):
        for name, resource in templates.pipeline().items():
            if resource["Type"] == "AWS::CodeBuild::Project":
                self.assertTrue((ROOT / resource["Properties"]["Source"]["BuildSpec"]).exists(), name)


if __name__ == "__main__":
    unittest.main()
