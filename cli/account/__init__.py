"""The clients of the account, for `setup` and `smoke`: one module for each service's SDK."""
