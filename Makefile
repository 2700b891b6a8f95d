# make demo   boots two hosts and shows a whole run
# make check  what holds without root, without hosts and without other programs, in two minutes
# make test   everything that has to hold, in under forty minutes
# make more   the same capabilities on the other family, on older servers, and killed at each step; CI runs it too
# make torture  faults at every step, and what is left afterwards
# make states  every state that a copy is tried on, and docs/copies.md from it
# make takeovers  switchovers, failovers, rolling changes and kills by the dozen, and docs/operations.md from it
# make versions  the matrix of servers, and docs/versions.md from it
# make test-vagrant  the whole job on virtual machines, by Vagrant
# make bench  speed and memory, as ratios within one run
# make book   the documents as HTML, in target/book
# make dist   packages in target/dist: the binary, .deb, .tar.gz, SHA256SUMS
# make deny   licences, sources and advisories of the crates
# make licenses  docs/licenses.md from Cargo.lock
# make oracle DIR=... [SOURCES=...]  how Ansible and tandem read the inventories of a folder, and where they differ
# make lint   formatting and lints alone

LAB := tests/lab/lab
TANDEM := target/release/tandem
CARGO_DENY := 0.20.2

# Tests that run as any user, and the words by which `check` leaves out what needs a program that is not here.
TESTS := planner $(filter-out inventories,$(basename $(notdir $(wildcard tests/*.rs))))
SKIP := $(if $(shell command -v age || command -v rage),,with_age_itself)
SKIPPED := $(if $(SKIP),; sealed::$(SKIP) needs the program age)

.PHONY: all demo built check test more test-vagrant vagrant-box torture versions states takeovers oracle book lint bench dist deny licenses lab clean

all:
	cargo build --release

# What is built here `make test` uses, too.
demo:
	$(MAKE) --jobs=2 --output-sync=target lab built
	tests/lab/demo target/debug/tandem

built:
	cargo build --quiet

check: lint
	cargo test --quiet --lib --bins $(TESTS:%=--test %) -- $(SKIP:%=--skip %)
	@echo "Not checked here: hosts (boots hosts, as root), inventories (needs Ansible), torture$(SKIPPED)."
	@echo "make test does all of it but torture."

# The compiler and the packages of the hosts do not wait for each other.
test:
	$(MAKE) --jobs=2 --output-sync=target lint lab
	$(LAB) browser
	$(LAB) ansible
	cargo test --quiet --lib --bins $(TESTS:%=--test %) --test inventories
	cargo test --test hosts -- --test-threads=4

# What `ignored` says of itself; the figures of takeovers have a command of their own.
more: lab
	cargo test --test hosts -- --ignored --skip takeovers:: --test-threads=4

torture: lab
	TANDEM_LAB_MINUTES=240 cargo test --features torture --test torture

# Every state of tests/hosts/copies/states.sql, and docs/copies.md from it.
states: lab
	rm -rf target/tmp/states
	TANDEM_STATES=all TANDEM_LAB_MINUTES=240 cargo test --test hosts copies:: -- --test-threads=2
	TANDEM_WRITE=1 cargo test --quiet --test documents the_document_of_copies

# TANDEM_TURNS=4 makes it short, TANDEM_SEED=... kills at the same moments again.
takeovers: lab
	rm -rf target/tmp/takeovers
	cargo build --release --quiet
	TANDEM_LAB_BINARY=$(CURDIR)/$(TANDEM) TANDEM_LAB_MINUTES=240 cargo test --test hosts takeovers:: -- --ignored --test-threads=1
	TANDEM_WRITE=1 cargo test --quiet --test documents the_document_of_takeovers

versions: lab
	rm -rf target/tmp/versions
	cargo test --test hosts -- --include-ignored --test-threads=2 versions:: old_server::a_fleet
	TANDEM_WRITE=1 cargo test --quiet --test documents the_versions_document

oracle:
	$(LAB) ansible
	TANDEM_ORACLE="$(DIR)" TANDEM_ORACLE_SOURCES="$(SOURCES)" cargo test --quiet --test inventories -- --ignored

book:
	command -v mdbook >/dev/null || cargo install mdbook --version 0.4.52 --locked --no-default-features
	mdbook build docs

# Another binary: make test-vagrant TANDEM=target/debug/tandem
test-vagrant:
	[ $(TANDEM) != target/release/tandem ] || cargo build --release --quiet
	vagrant/machine install
	vagrant/machine check
	vagrant/test $(TANDEM)

# For machines by hand with libvirt; VirtualBox gets its box from the internet.
vagrant-box:
	vagrant/machine install
	vagrant/box target/vagrant/tandem-bookworm.box

lint:
	cargo fmt --check
	cargo clippy --quiet --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --lib

bench: lab
	cargo build --release --quiet
	tests/bench/run $(TANDEM)

dist:
	.ci/dist

deny:
	cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny@$(CARGO_DENY)
	cargo deny check

licenses:
	TANDEM_WRITE=1 cargo test --quiet --test documents licences

# What the hosts of the lab need: Debian packages, and one root file system for each kind of host.
lab:
	$(LAB) install
	$(LAB) check
	$(LAB) root bookworm

clean:
	cargo clean
