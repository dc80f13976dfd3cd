from openai import OpenAI
client = OpenAI(
    base_url="http://localhost:8080/v1",
    api_key="YOUR_CLIENT_API_KEY"
)
# Simple query -- routes to the cheap/fast model
response = client.chat.completions.create(
    model="fast-flow",
    messages=[{"role": "user", "content": "What is 2+2?"}]
)
# Complex query -- routes to the reasoning model automatically
response = client.chat.completions.create(
    model="heavy-logic",
    messages=[{"role": "user", "content": "Write a Python red-black tree implementation."}]
)
