"""How the sample pictures, sounds and films are drawn. ../make_media.py encodes them."""
