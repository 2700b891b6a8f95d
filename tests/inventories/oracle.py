#!/usr/bin/python3
"""What Ansible itself makes of inventories: the classes behind ansible-inventory, all inventories in one process.

Each line of standard input is {"dir", "sources", "playbook_dir", "patterns", "vault", "evaluate"}; each line of
standard output says what was read: hosts and members of groups in their order, and the variables of every host.
"""
import json
import os
import sys


def read(shape):
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.ajson import AnsibleJSONEncoder
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar
    from ansible.utils.display import Display
    from ansible.vars.manager import VariableManager
    from ansible import constants as C

    said = []
    Display.warning = lambda self, msg, formatted=False: said.append(msg)
    os.chdir(shape["dir"])
    loader = DataLoader()
    if shape.get("vault"):
        from ansible.cli import CLI
        loader.set_vault_secrets(CLI.setup_vault_secrets(loader, vault_ids=["@" + shape["vault"]]))
    if shape.get("playbook_dir"):
        loader.set_basedir(shape["playbook_dir"])
    sources = [s if "," in s else os.path.abspath(s) for s in shape["sources"]]
    inventory = InventoryManager(loader=loader, sources=sources)
    manager = VariableManager(loader=loader, inventory=inventory)
    manager.safe_basedir = bool(shape.get("playbook_dir"))
    internal = set(getattr(C, "INTERNAL_STATIC_VARS", ())) | {"inventory_file", "inventory_dir", "inventory_hostname",
                                               "inventory_hostname_short", "groups", "group_names", "omit",
                                               "playbook_dir", "ansible_version", "ansible_playbook_python"}
    plain = lambda value: json.loads(json.dumps(value, cls=AnsibleJSONEncoder, preprocess_unsafe=False, vault_to_text=True))
    hosts = {}
    for host in inventory.get_hosts("all"):
        everything = manager.get_vars(host=host, include_hostvars=True, stage="all")
        own = {k: v for k, v in everything.items() if k not in internal and k not in ("hostvars", "environment")
               and not k.startswith("ansible_facts") and k not in ("ansible_play_hosts", "ansible_play_batch")}
        own = {k: v for k, v in own.items() if k not in ("ansible_check_mode", "ansible_diff_mode", "ansible_forks",
               "ansible_inventory_sources", "ansible_limit", "ansible_run_tags", "ansible_skip_tags", "ansible_verbosity",
               "ansible_config_file", "vars")}
        entry = {"groups": sorted(g.name for g in host.get_groups() if g.name != "all"), "vars": plain(own)}
        if shape.get("evaluate"):
            from ansible.vars.hostvars import HostVars
            manager._hostvars = HostVars(inventory=inventory, variable_manager=manager, loader=loader)
            everything = manager.get_vars(host=host, include_hostvars=True, stage="all")
            entry["values"] = {}
            for name in own:
                try:
                    entry["values"][name] = plain(Templar(loader=loader, variables=everything).template(everything[name]))
                except Exception as error:
                    entry["values"][name] = {"__failed": type(error).__name__}
        hosts[host.name] = entry
    patterns = {}
    for pattern in shape.get("patterns", []):
        inventory.subset(pattern)
        patterns[pattern] = [h.name for h in inventory.get_hosts("all")]
    inventory.subset(None)
    chosen = {p: [h.name for h in inventory.get_hosts(p)] for p in shape.get("patterns", []) if not p.startswith("@")}
    fixed = []
    for name, group in inventory.groups.items():
        level = list(group.child_groups)
        ordered = True
        # Ansible walks the second level in the order of a set: with several parents there it has none.
        while level:
            ordered = ordered and sum(1 for g in level if g.child_groups) < 2
            level = [c for g in level for c in g.child_groups]
        if ordered:
            fixed.append(name)
    groups = {name: [h.name for h in group.get_hosts()] for name, group in inventory.groups.items()}
    return {"hosts": hosts, "order": list(inventory.hosts), "groups": groups, "fixed": fixed, "limits": patterns,
            "patterns": chosen, "warnings": said}


def in_a_child(shape):
    """Ansible keeps files and settings for a whole process; each inventory gets one of its own."""
    come, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(come)
        try:
            answer = read(shape)
        except BaseException as error:  # pylint: disable=broad-except
            answer = {"error": "%s: %s" % (type(error).__name__, error)}
        with os.fdopen(go, "w") as pipe:
            json.dump(answer, pipe)
        os._exit(0)
    os.close(go)
    with os.fdopen(come) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


if __name__ == "__main__":
    shapes = [json.loads(line) for line in sys.stdin if line.strip()]
    for shape in shapes:
        # Settings are read when the modules are: only what has none shares them.
        config = os.path.join(shape["dir"], "ansible.cfg")
        if not os.path.exists(config):
            import ansible.inventory.manager, ansible.vars.manager, ansible.template, ansible.cli  # noqa: E401, F401
            from ansible.plugins.loader import inventory_loader, vars_loader, filter_loader, test_loader
            list(inventory_loader.all(class_only=True)), list(vars_loader.all(class_only=True))
    for shape in shapes:
        config = os.path.join(shape["dir"], "ansible.cfg")
        if os.path.exists(config):
            import subprocess
            if os.environ.get("ANSIBLE_CONFIG") != config:
                done = subprocess.run([sys.executable, __file__], input=json.dumps(shape), text=True,
                                      stdout=subprocess.PIPE, env={**os.environ, "ANSIBLE_CONFIG": config})
                print(done.stdout.strip() or json.dumps({"error": "no answer"}))
                continue
        print(in_a_child(shape), flush=True)
