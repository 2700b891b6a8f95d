import json, random
from ansible.parsing.vault import VaultLib, VaultSecret
random.seed(7)
alphabet = "abcXYZ0189 \t\n'\"\\$;:#{}|*ü€🐬"
cases = []
for n in list(range(0, 18)) + [31, 32, 33, 47, 200, 1000]:
    text = "".join(random.choice(alphabet) for _ in range(n)) or "\n"
    password = "".join(random.choice(alphabet.replace("\n", "").replace("\t","").replace(" ","")) for _ in range(1 + n % 40))
    label = None if n % 3 else "l%d" % n
    lib = VaultLib([(label or "default", VaultSecret(password.encode()))])
    sealed = lib.encrypt(text.encode(), VaultSecret(password.encode()), vault_id=label).decode()
    cases.append({"password": password, "label": label, "text": text, "sealed": sealed})
json.dump(cases, open("many.json", "w"), indent=1)
