"""The least that answers: FastAPI with one route, beside which the start-up of our services is shown."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/ready")
async def ready() -> dict[str, str]:
    """What the services answer at this address."""
    return {"status": "ready"}
