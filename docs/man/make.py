#!/usr/bin/python3
"""make.py BIN SOURCE OUT: man pages and bash completion, from the programs' own --help and the table of cellveil.conf,
so that an option can be neither forgotten nor invented here. Run by the build; CMake installs what comes out."""
import os
import re
import subprocess
import sys

TABLES = {"cellveil": 1, "cellveilctl": 8}
DAEMONS = {"cellveild": 8, "cellveil-gate": 8}
SEE = {"cellveil": "cellveilctl(8), cellveil-protocol(7)", "cellveilctl": "cellveild(8), cellveil-gate(8), cellveil.conf(5)",
       "cellveild": "cellveil-gate(8), cellveilctl(8), cellveil.conf(5)",
       "cellveil-gate": "cellveild(8), cellveilctl(8), cellveil.conf(5), cellveil-protocol(7)"}


def help_of(binary, *words, locale="C.UTF-8"):
    env = dict(os.environ, LC_ALL=locale)
    return subprocess.run([binary, *words, "--help"], stdout=subprocess.PIPE, text=True, check=True, env=env).stdout


def roff(text):
    """Plain text, safe in a man page, its lines kept."""
    return "".join("\\&" + l.replace("\\", "\\e").replace("-", "\\-") + "\n" for l in text.rstrip("\n").split("\n"))


def literal(text):
    return ".nf\n" + roff(text) + ".fi\n"


def head(name, section, about):
    return '.TH %s %d "" cellveil\n.SH NAME\n%s \\- %s\n' % (name.upper(), section, name, about)


def commands(overview):
    return re.findall(r"(?m)^  ([a-z-]+(?: [a-z]+)?)  +\S", overview)


def page_of_table(binary, name, locale="C.UTF-8"):
    overview = help_of(binary, locale=locale)
    about, *_ = [l for l in overview.split("\n")[1:] if l]
    out = head(name, TABLES[name], about.rstrip(".")) + ".SH COMMANDS\n" + literal(overview)
    for command in commands(overview):
        out += ".SS %s\n" % command + literal(help_of(binary, *command.split(), locale=locale))
    return out + ".SH SEE ALSO\n%s\n" % SEE[name]


def page_of_daemon(binary, name):
    about = {"cellveild": "the vault: keeps forms, publishes releases", "cellveil-gate": "the network side of a vault"}
    return (head(name, DAEMONS[name], about[name]) + ".SH DESCRIPTION\n" + literal(help_of(binary)) +
            ".SH SEE ALSO\n%s\n" % SEE[name])


def number(source, text):
    """A C constant of conf.c in figures; LIMIT_... are looked up."""
    with open(os.path.join(source, "proto/limits.h"), encoding="utf-8") as f:
        limits = dict(re.findall(r"(?m)^#define (LIMIT_\w+)\s+([^/\n]+)", f.read()))
    text = re.sub(r"(?i)(\d)(ull|ul|u|l)\b", r"\1", limits.get(text, text).strip())
    known = {"UINT32_MAX": 2**32 - 1}
    return str(known[text] if text in known else eval("(%s)" % text, {"__builtins__": {}}))  # our own source


def page_of_conf(source):
    with open(os.path.join(source, "daemon/conf.c"), encoding="utf-8") as f:
        found = re.findall(r'(?m)^\t(TEXT|NUMBER|ENDPOINTS)\("(\w+)", "(\w+)", \w+(?:, (.+), (.+), (.+))?\),?$', f.read())
    out = head("cellveil.conf", 5, "configuration of cellveild and cellveil-gate") + \
        ".SH DESCRIPTION\nAn INI file for both programs; unknown names are errors. docs/operator.md explains its use.\n"
    for section in dict.fromkeys(s for _, s, *_ in found):
        out += ".SH [%s]\n" % section
        for kind, _, name, preset, least, most in [o for o in found if o[1] == section]:
            what = {"TEXT": "text", "ENDPOINTS": "addresses, tcp://HOST:PORT"}.get(
                kind, "whole number from %s to %s, %s if absent" % tuple(number(source, n) for n in (least, most, preset)))
            out += ".TP\n.B %s\n%s\n" % (name, roff(what).rstrip())
    return out


def page_of_protocol():
    return head("cellveil-protocol", 7, "what cellveil's programs say to each other") + """.SH DESCRIPTION
Bodies are MessagePack in one fixed profile over ZeroMQ with CURVE. Forms are signed (Ed25519) and sealed to the vault
(X25519, XSalsa20-Poly1305); releases carry a signature in minisign's form; the log is a Merkle tree in tiles, with
checkpoints as signed notes. Everything needed to write another client is in docs/protocol.md of the source.
.SH SEE ALSO
cellveil(1), cellveil\\-gate(8), minisign(1)
"""


def page_of_library(source):
    """The header is the manual: its comments, and what they stand before."""
    with open(os.path.join(source, "client/lib/libcellveil.h"), encoding="utf-8") as f:
        text = f.read()
    about = re.sub(r"(?m)^ \* ?", "", re.match(r"/\* libcellveil - (.*?) \*/", text, re.S).group(1))
    first, rest = about.split("\n", 1)
    body = text[text.index("enum cellveil_code"):text.rindex("#ifdef __cplusplus")]
    return (head("libcellveil", 3, first.split(",")[0]) + ".SH SYNOPSIS\n" + literal("#include <libcellveil.h>") +
            ".SH DESCRIPTION\n" + literal(first + "\n" + rest) + ".SH INTERFACE\n" + literal(body.replace("\t", "    ")) +
            ".SH SEE ALSO\ncellveil(1), cellveil\\-protocol(7)\n")


def completion(binaries):
    out = "# bash completion for cellveil and cellveilctl; generated\n"
    for name, binary in binaries.items():
        cases, names = "", commands(help_of(binary))
        for command in names:
            options = " ".join(sorted(set(re.findall(r"(?<!\S)--[a-z][a-z-]*", help_of(binary, *command.split())))))
            cases += '\t"%s"%s) words="%s" ;;\n' % (command, "" if " " in command else '|"%s "*' % command, options)
        seconds = {}
        for command in names:
            first, _, second = command.partition(" ")
            seconds.setdefault(first, []).append(second)
        two = "".join('\t%s" ") words="%s" ;;\n' % (k, " ".join(v)) for k, v in seconds.items() if v != [""])
        out += """_%s() {
	local words="" cur="${COMP_WORDS[COMP_CWORD]}"
	case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
%s	esac
	[ "$COMP_CWORD" != 1 ] || words="%s"
	[ "$COMP_CWORD" != 2 ] || case "${COMP_WORDS[1]} " in
%s	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -o default -F _%s %s
""" % (name, cases, " ".join(seconds), two, name, name)
    return out


def main():
    binary_dir, source, out = sys.argv[1:]
    os.makedirs(os.path.join(out, "sv"), exist_ok=True)
    pages = {"cellveil.conf.5": page_of_conf(source), "cellveil-protocol.7": page_of_protocol()}
    pages["libcellveil.3"] = page_of_library(source)
    for name, section in TABLES.items():
        pages["%s.%d" % (name, section)] = page_of_table(os.path.join(binary_dir, name), name)
        pages["sv/%s.%d" % (name, section)] = page_of_table(os.path.join(binary_dir, name), name, "sv_SE.UTF-8")
    for name, section in DAEMONS.items():
        pages["%s.%d" % (name, section)] = page_of_daemon(os.path.join(binary_dir, name), name)
    pages["completion.bash"] = completion({n: os.path.join(binary_dir, n) for n in TABLES})
    for name, text in pages.items():
        with open(os.path.join(out, name), "w", encoding="utf-8") as f:
            f.write(text)


if __name__ == "__main__":
    main()
