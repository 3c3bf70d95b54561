#!/bin/sh
# Installs what is missing to build and run Casebridge on Debian, Ubuntu and macOS; elsewhere it names what is missing.
# With the argument `browser` it also installs what checks Swagger UI, with `verifiers` what the tests verify webhooks and the specification with. It may be run again at any time. What needs root is done as root, with sudo, or printed to be run by hand.
set -eu
cd "$(dirname "$0")/.."
PATH="$HOME/.cargo/bin:$PATH"

has() { command -v "$1" >/dev/null 2>&1; }
say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        say "sudo $*"
        sudo "$@"
    else
        fail "run this as root, then try again: $*"
    fi
}

apt_install() {
    say "installing $*"
    as_root sh -c "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $*" >&2
}

# A C compiler, make, and OpenSSL's headers (for the PostgreSQL client library).
build_tools() {
    has cc && has make && has pkg-config && has curl && pkg-config --exists openssl
}

# PostgreSQL's server programs. The service downloads them where there are none, but a package is quicker for root,
# and works without the internet later.
postgres_packages() {
    if has initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
        return
    fi
    # The package would create and start a server of its own, which nobody asked for.
    mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/casebridge.conf
    apt_install postgresql
    rm /etc/postgresql-common/createcluster.d/casebridge.conf
}

# Mail servers for the tests: one has a mailbox, the other passes mails on. The packages would start them, which nobody asked for.
mail_packages() {
    wanted=
    [ -x /usr/sbin/dovecot ] || has dovecot || wanted=dovecot-imapd
    [ -x /usr/sbin/exim4 ] || has exim || wanted="$wanted exim4-daemon-light"
    if [ -z "$wanted" ]; then return; fi
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod +x /usr/sbin/policy-rc.d
        apt_install "$wanted"
        rm /usr/sbin/policy-rc.d
    else
        apt_install "$wanted"
    fi
}

install_system_packages() {
    if has apt-get; then
        build_tools || apt_install build-essential pkg-config libssl-dev ca-certificates curl
        if [ "$(id -u)" = 0 ]; then postgres_packages && mail_packages; fi
    elif [ "$(uname)" = Darwin ]; then
        xcode-select -p >/dev/null 2>&1 || fail "run this, then try again: xcode-select --install"
        if ! build_tools; then
            has brew || fail "install Homebrew (https://brew.sh), or pkg-config and OpenSSL 3 in another way"
            brew install pkgconf openssl@3
        fi
    else
        build_tools || fail "install a C compiler, make, pkg-config, curl and OpenSSL's headers, then try again"
    fi
}

# Whether version $1 is at least version $2.
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$2" ]
}

# Rust, as new as Cargo.toml asks, with the formatter and the linter.
install_rust() {
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    installed=$(cargo --version 2>/dev/null | cut -d' ' -f2) || true
    if ! at_least "${installed:-0}" "$wanted"; then
        say "installing Rust, which must be $wanted or newer"
        if ! has rustup; then
            curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --no-modify-path --profile minimal
        fi
        rustup update stable --no-self-update
        rustup default stable
    fi
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
    has rustup || fail "install rustfmt and clippy, which come in packages of their own here"
    rustup component add rustfmt clippy
}

# What checks Swagger UI: Chromium, and Node.js to drive it.
install_browser() {
    has chromium && has node && has npm && return
    has apt-get || fail "install Chromium and Node.js 20 or newer, then try again; CHROMIUM says where Chromium is"
    has chromium || apt_install chromium
    if ! has node || ! has npm; then apt_install nodejs npm; fi
}

# What the tests verify webhooks with: the reference implementations of Standard Webhooks for JavaScript and Python.
install_verifiers() {
    if ! has node || ! has npm; then
        has apt-get || fail "install Node.js 20 or newer, then try again"
        apt_install nodejs npm
    fi
    if ! python3 -m pip --version >/dev/null 2>&1; then
        has apt-get || fail "install Python 3 with pip, then try again"
        apt_install python3 python3-pip
    fi
    cd tests/verifiers
    installed=$(cat node_modules/.installed python/.installed 2>/dev/null) || true
    if [ "$installed" = "$(cat package.json requirements.txt)" ]; then return; fi
    say "installing the verifiers of webhooks and of the specification"
    rm -rf node_modules python
    npm install --no-audit --no-fund --no-package-lock --silent >&2
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target python -r requirements.txt >&2
    cp package.json node_modules/.installed
    cp requirements.txt python/.installed
}

install_system_packages
install_rust
case "${1:-}" in
browser) install_browser ;;
verifiers) install_verifiers ;;
esac
