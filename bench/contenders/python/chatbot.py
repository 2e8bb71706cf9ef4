"""A chatbot's skill as tutorials have it: FastAPI behind Mangum. It proves no sender and keeps nothing."""

from fastapi import FastAPI, Request
from mangum import Mangum

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.post("/skill/")
async def skill(request: Request):
    payload = await request.json()
    utterance = payload["userRequest"]["utterance"]
    return {"version": "2.0", "template": {"outputs": [{"simpleText": {"text": utterance}}]}}


handler = Mangum(app, lifespan="off")
