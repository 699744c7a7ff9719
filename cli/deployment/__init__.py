"""What is deployed: `policies.yaml` and `deployment.yaml` in, both templates out."""
