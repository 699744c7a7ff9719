"""
What the services of the RPC style have in common: ECS, RAM, STS and SMQ.

A request comes to one address and contains the operation's name (`envelope`), a signature
(`signature_v1`, `signature_v3`) and parameters (`params`); the answer is JSON or XML (`answers`).
Never imports a service.
"""

from emulator.rpc.errors import RpcError
from emulator.rpc.service import RpcCall, RpcService

__all__ = ["RpcCall", "RpcError", "RpcService"]
