"""The endpoint as it is usually written in Python: FastAPI in front, one httpx client behind.

Run by uvicorn with one worker; address and key of the model's server come from the environment.
"""

import json
import os
import sys
import time
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, HTTPException

AT_ONCE = 100
MODEL = os.environ.get("MODEL", "gpt-4o-mini")


@asynccontextmanager
async def lifespan(app: FastAPI):
    # httpx keeps 20 connections unless it is told to keep all of them.
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    headers = {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    async with httpx.AsyncClient(timeout=10.0, limits=limits, headers=headers) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)
URL = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"


@app.post("/generate")
async def generate(prompt: str):
    began = time.perf_counter()
    body = {"model": MODEL, "messages": [{"role": "user", "content": prompt}]}
    try:
        response = await app.state.client.post(URL, json=body)
        response.raise_for_status()
    except httpx.TimeoutException as error:
        raise HTTPException(504, "the model took too long") from error
    except httpx.HTTPError as error:
        raise HTTPException(502, "the model's server failed") from error
    text = response.json()["choices"][0]["message"]["content"]
    millis = round((time.perf_counter() - began) * 1000, 1)
    sys.stdout.write(json.dumps({"path": "/generate", "status": 200, "total": millis}) + "\n")
    return {"response": text}
