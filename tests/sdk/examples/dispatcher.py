# Automatically routed based on complexity:
# 1-3 -> fast-flow (classification, basic Q&A)
# 4-7 -> standard-pro (general assistant, long docs)
# 8-10 -> heavy-logic (complex coding, logic, agents)
response = client.chat.completions.create(
    model="dispatcher",
    messages=[{"role": "user", "content": "Debug this race condition in my Go code."}]
)
# This goes: dispatcher -> heavy-logic -> deepseek-v4-pro
