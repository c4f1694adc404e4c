"""What sends events: the SDK, the Kafka sender and the simulator."""
