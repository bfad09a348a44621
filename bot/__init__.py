"""What runs inside the Rasa server, and the gateway in front of it."""
