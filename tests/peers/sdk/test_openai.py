"""The official `openai` package for Python makes its ordinary calls against the simulated endpoint.

Run as a program, with the packages of requirements.txt installed.
"""

import asyncio
import os
import pathlib
import subprocess
import sys
import unittest

import openai

BUILT = pathlib.Path(__file__).parents[3] / "target/debug/kneepoint-server"
MESSAGES = [{"role": "user", "content": "Hello!"}]


class OpenAITest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        binary = os.environ.get("KNEEPOINT_SERVER", str(BUILT))
        cls.server = subprocess.Popen(
            [binary, "--listen", "127.0.0.1:0", "--quiet"], stdout=subprocess.PIPE, text=True
        )
        for line in cls.server.stdout:
            if line.startswith("listening http://"):
                cls.http = line.split()[1]
            if line == "ready\n":
                break

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()
        cls.server.stdout.close()

    def options(self, spec):
        return {"api_key": "sk-test", "base_url": f"{self.http}/mock/{spec}/v1", "max_retries": 0}

    def client(self, spec):
        client = openai.OpenAI(**self.options(spec))
        self.addCleanup(client.close)
        return client

    def test_chat(self):
        answer = self.client("tokens=20").chat.completions.create(
            model="m", messages=MESSAGES, max_tokens=5
        )
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual(answer.usage.completion_tokens, 5)

    def test_chat_stream_with_usage(self):
        stream = self.client("tokens=7").chat.completions.create(
            model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        self.assertEqual(len(text.split()), 7)
        self.assertEqual(chunks[-1].usage.completion_tokens, 7)

    def test_responses_embeddings_and_models(self):
        client = self.client("tokens=4")
        self.assertTrue(client.responses.create(model="m", input="x").output_text)
        kinds = [event.type for event in client.responses.create(model="m", input="x", stream=True)]
        self.assertEqual((kinds[0], kinds[-1]), ("response.created", "response.completed"))
        self.assertEqual(len(client.embeddings.create(model="m", input="x").data[0].embedding), 1536)
        self.assertIn("kneepoint-small", [model.id for model in client.models.list()])

    def test_errors(self):
        for spec, kind in [
            ("fault=status_401:1", openai.AuthenticationError),
            ("rpm=1", openai.RateLimitError),
            ("fault=status_500:1", openai.InternalServerError),
            ("fault=reset_before_headers:1", openai.APIConnectionError),
        ]:
            client = self.client(spec)
            with self.assertRaises(kind, msg=spec):
                for _ in range(2):
                    client.chat.completions.create(model="m", messages=MESSAGES)

    def test_async_calls_at_once(self):
        async def run():
            async with openai.AsyncOpenAI(**self.options("slots=4,queue=50,ttft=5")) as client:
                create = client.chat.completions.create
                return await asyncio.gather(
                    *(create(model="m", messages=MESSAGES) for _ in range(20))
                )

        self.assertEqual(len(asyncio.run(run())), 20)


if __name__ == "__main__":
    unittest.main(testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2))
