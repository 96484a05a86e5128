"""Asking a client, and waiting for what it answers."""

import asyncio

from gateway.engine.first_factor import Answer, CheckFirstFactor
from gateway.firstfactor.home.client import HomeClient
from gateway.unavailable import Unavailable


async def ask(client: HomeClient, question: CheckFirstFactor) -> Answer | Unavailable:
    """Ask, and return the answer or why there is none."""
    answer: asyncio.Future[Answer | Unavailable] = asyncio.get_running_loop().create_future()
    client.ask(question, answer.set_result)
    return await answer


async def accepted(client: HomeClient, user_name: bytes, password: bytes) -> bool:
    """Whether a password is right."""
    answer = await ask(client, CheckFirstFactor(user_name, password))
    return type(answer).__name__ == "Accepted"
