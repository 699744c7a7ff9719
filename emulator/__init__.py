"""The local cloud: ECS and SLS as the services answer, for tests and for trying things out."""
