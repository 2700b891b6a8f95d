//! Shell that puts rules of ours in the place of those that are there. Every status counts.

/// Takes away what is ours in iptables, where another tool has taken over.
pub(super) const IPTABLES_REMOVAL: &str = r#"for tool in iptables ip6tables; do
command -v $tool-save >/dev/null 2>&1 || continue
old=$($tool-save 2>/dev/null) || continue
case $old in *':TANDEM '*) ;; *) continue ;; esac
printf '%s\n' "$old" | awk '
/^\*/ { table = $0; jumps = ""; own = 0 }
/^:TANDEM / { own = 1 }
/^-A .*-j TANDEM$/ { sub(/^-A/, "-D"); jumps = jumps $0 "\n" }
/^COMMIT/ && own { printf "%s\n%s-F TANDEM\n-X TANDEM\nCOMMIT\n", table, jumps }' | $tool-restore -w --noflush || exit 1
done
"#;

/// Prints a text as it is.
pub(super) fn here(text: &str) -> String {
    format!("cat <<'END'\n{text}END\n")
}

/// Prints rules for a chain. At boot it may not be there; then it drops nothing.
pub(super) fn nft_inserts(place: &str, inserts: &str) -> String {
    format!("if nft list chain {place} >/dev/null 2>&1; then\n{}fi\n", here(inserts))
}

/// Replaces all rules of ours by those that these parts print, in one transaction.
pub(super) fn nft(parts: &[String]) -> String {
    const OLD: &str = r#"rules_now() {
list=$(nft -a list ruleset) || return 1
printf '%s\n' "$list" | awk '
$1 == "table" { family = $2; table = $3 }
$1 == "chain" { chain = $2 }
table != "tandem" && / comment "tandem" / { print "delete rule", family, table, chain, "handle", $NF }' || return 1
printf 'table inet tandem\ndelete table inet tandem\n'
"#;
    let load = "rules=$(rules_now) || exit 1\nprintf '%s\\n' \"$rules\" | nft -f - || exit 1\n";
    // Where nothing is wished of it, a kernel without nftables is no fault.
    match parts.is_empty() {
        true => format!(
            "if command -v nft >/dev/null && nft list tables >/dev/null 2>&1; then\n{OLD}}}\n{load}fi\n"
        ),
        false => format!("{OLD}{}}}\n{load}", parts.concat()),
    }
}

/// Replaces all rules of ours in one family, each table in one transaction.
pub(super) fn iptables(tool: &str, sections: &[(&str, String)]) -> String {
    if sections.is_empty() {
        return IPTABLES_REMOVAL.replace("for tool in iptables ip6tables", &format!("for tool in {tool}"));
    }
    let mut text = format!("old=$({tool}-save) || exit 1\n{{\n");
    let wished: Vec<&str> = sections.iter().map(|(table, _)| *table).collect();
    for (table, rules) in sections {
        text.push_str(&format!(
            "printf '*{table}\\n:TANDEM - [0:0]\\n'\n\
             printf '%s\\n' \"$old\" | awk '/^\\*/ {{ on = ($0 == \"*{table}\") }} on && /^-A .*-j TANDEM$/ {{ sub(/^-A/, \"-D\"); print }}'\n\
             {}",
            here(&format!("{rules}COMMIT\n"))
        ));
    }
    // Tables in which nothing of ours shall be any more.
    text.push_str(&format!(
        "printf '%s\\n' \"$old\" | awk '\n\
         /^\\*/ {{ table = substr($0, 2); jumps = \"\"; own = 0 }}\n\
         /^:TANDEM / {{ own = 1 }}\n\
         /^-A .*-j TANDEM$/ {{ sub(/^-A/, \"-D\"); jumps = jumps $0 \"\\n\" }}\n\
         /^COMMIT/ && own && index(\" {} \", \" \" table \" \") == 0 {{ printf \"*%s\\n%s-F TANDEM\\n-X TANDEM\\nCOMMIT\\n\", table, jumps }}'\n",
        wished.join(" ")
    ));
    text.push_str(&format!("}} | {tool}-restore -w --noflush || exit 1\n"));
    text
}

/// Adds rich rules, then takes away all others of ours.
pub(super) fn firewalld(rich: &[String]) -> String {
    let mut text = String::from("for scope in '' --permanent; do\n");
    for rule in rich {
        text.push_str(&format!("firewall-cmd -q $scope --add-rich-rule='{rule}' || exit 1\n"));
    }
    text.push_str("list=$(firewall-cmd $scope --list-rich-rules) || exit 1\n");
    text.push_str("printf '%s\\n' \"$list\" | while IFS= read -r rule; do\ncase $rule in\n");
    for rule in rich {
        text.push_str(&format!("'{rule}') ;;\n"));
    }
    text.push_str(
        "*'priority=\"-110\"'* | *'priority=\"-100\"'*) firewall-cmd -q $scope --remove-rich-rule=\"$rule\" || exit 1 ;;\n\
         esac\ndone || exit 1\ndone\n",
    );
    text
}
