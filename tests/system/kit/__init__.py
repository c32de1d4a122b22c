"""What the system tests share: the program, its server, an HTTP client, traffic, a webhook receiver."""
