"""Direct requests: checked, sent to a deployed function, and waited for."""
