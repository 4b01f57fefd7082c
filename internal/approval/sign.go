package approval

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/hiddeco/sshsig"
	"github.com/leaver-dev/leaver"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Sign returns the armored signature of the statement, as ssh-keygen -Y sign
// makes it (OpenSSH's PROTOCOL.sshsig): with SHA-512, and for RSA keys with
// rsa-sha2-512. It fails when the statement has no text, when the signer fails,
// and when the signature is not one that Verify could accept.
func Sign(statement leaver.Statement, signer ssh.Signer) (string, error) {
	text, err := statement.Text()
	if err != nil {
		return "", err
	}
	signature, err := sshsig.Sign(strings.NewReader(text), signer, sshsig.HashSHA512, Namespace)
	if err != nil {
		return "", fmt.Errorf("sign the statement: %w", err)
	}
	armored := string(sshsig.Armor(signature))
	// An agent may sign otherwise than it was asked to.
	made, err := open(armored)
	if err != nil {
		return "", err
	}
	if err := check(text, made); err != nil {
		return "", err
	}
	return armored, nil
}

// ReadKey reads a private key file as ssh-keygen writes it. It calls passphrase
// only for a key that has one; it may be nil where none has. The file of a
// security key holds no key that could sign: use SignWithAgent.
func ReadKey(file string, passphrase func() ([]byte, error)) (ssh.Signer, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(content)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked && passphrase != nil {
		secret, asked := passphrase()
		if asked != nil {
			return nil, fmt.Errorf("the passphrase of %s: %w", file, asked)
		}
		signer, err = ssh.ParsePrivateKeyWithPassphrase(content, secret)
		if errors.Is(err, x509.IncorrectPasswordError) {
			return nil, fmt.Errorf("the passphrase does not open %s", file)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s is no private key that can sign here; a security key signs through ssh-agent: %w", file, err)
	}
	return signer, nil
}

// SignWithAgent signs like Sign with a key that the ssh-agent at the Unix
// socket holds (SSH_AUTH_SOCK). The fingerprint, as ssh-add -l prints it, says
// which key; it may be empty when the agent holds one. The agent may ask a
// person, for a touch or a confirmation, until ctx ends.
func SignWithAgent(ctx context.Context, statement leaver.Statement, socket, fingerprint string) (string, error) {
	if socket == "" {
		return "", errors.New("no ssh-agent runs here (SSH_AUTH_SOCK is not set): start one, or sign with a key file")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return "", fmt.Errorf("reach ssh-agent: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		return "", fmt.Errorf("ask ssh-agent for its keys: %w", err)
	}
	signers = slices.DeleteFunc(signers, func(s ssh.Signer) bool {
		return !slices.Contains(keyTypes, s.PublicKey().Type()) ||
			fingerprint != "" && fingerprint != ssh.FingerprintSHA256(s.PublicKey())
	})
	switch {
	case len(signers) == 0 && fingerprint != "":
		return "", fmt.Errorf("ssh-agent does not hold the key %s: add it with ssh-add", fingerprint)
	case len(signers) == 0:
		return "", errors.New("ssh-agent holds no key that can approve: add one with ssh-add")
	case len(signers) > 1:
		return "", errors.New("ssh-agent holds several keys: say which by its fingerprint, as ssh-add -l prints it")
	}
	armored, err := Sign(statement, signers[0])
	if err != nil && ctx.Err() != nil {
		return "", fmt.Errorf("ssh-agent has not signed: %w", context.Cause(ctx))
	}
	return armored, err
}
