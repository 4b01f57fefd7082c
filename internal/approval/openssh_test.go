package approval

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// These tests hold the package against OpenSSH itself, in both directions.

const (
	adele = "adele@contoso.com"
	grady = "grady@contoso.com"
)

var (
	now     = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)
	keyKind = map[string][]string{
		"ed25519":  {"-t", "ed25519"},
		"ecdsa256": {"-t", "ecdsa", "-b", "256"},
		"ecdsa384": {"-t", "ecdsa", "-b", "384"},
		"ecdsa521": {"-t", "ecdsa", "-b", "521"},
		"rsa":      {"-t", "rsa", "-b", "2048"},
	}
)

// openssh runs one of OpenSSH's programs, which must be there: without them
// nothing would show that the signatures are OpenSSH's.
func openssh(t testing.TB, stdin, program string, args ...string) (string, error) {
	t.Helper()
	file, err := exec.LookPath(program)
	require.NoError(t, err, "these tests need OpenSSH's programs: install the package openssh-client")
	command := exec.CommandContext(t.Context(), file, args...)
	command.Stdin = strings.NewReader(stdin)
	command.Env = append(os.Environ(), "SSH_ASKPASS=", "SSH_AUTH_SOCK=")
	var out, told bytes.Buffer
	command.Stdout, command.Stderr = &out, &told
	if err := command.Run(); err != nil {
		return "", errors.New(err.Error() + ": " + out.String() + told.String())
	}
	return out.String(), nil
}

// newKey makes a key pair and returns the private key's file.
func newKey(t testing.TB, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	_, err := openssh(t, "", "ssh-keygen", append([]string{"-q", "-f", file, "-N", "", "-C", "a comment"}, args...)...)
	require.NoError(t, err)
	return file
}

func publicKey(t testing.TB, file string) string {
	t.Helper()
	content, err := os.ReadFile(file + ".pub")
	require.NoError(t, err)
	return strings.TrimSpace(string(content))
}

func signer(t testing.TB, file string) ssh.Signer {
	t.Helper()
	s, err := ReadKey(file, nil)
	require.NoError(t, err)
	return s
}

func signers(t testing.TB, lines ...string) Signers {
	t.Helper()
	s, err := ParseSigners([]byte(strings.Join(lines, "\n")))
	require.NoError(t, err)
	return s
}

// keygenSign signs as a person does who has OpenSSH and not us.
func keygenSign(t testing.TB, file, text string, args ...string) string {
	t.Helper()
	armored, err := openssh(t, text, "ssh-keygen", append([]string{"-q", "-Y", "sign", "-f", file}, args...)...)
	require.NoError(t, err)
	return armored
}

// keygenVerify says why OpenSSH does not take the signature for the principal's now.
func keygenVerify(t testing.TB, text, armored, principal string, lines ...string) error {
	t.Helper()
	dir := t.TempDir()
	signature, allowed := filepath.Join(dir, "sig"), filepath.Join(dir, "allowed_signers")
	require.NoError(t, os.WriteFile(signature, []byte(armored), 0o600))
	require.NoError(t, os.WriteFile(allowed, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	_, err := openssh(t, text, "ssh-keygen", "-Y", "verify", "-f", allowed, "-I", principal, "-n", Namespace, "-s", signature,
		"-O", now.Format("verify-time=20060102150405Z"))
	return err
}

func TestWhatOpenSSHSignsCounts(t *testing.T) {
	t.Parallel()
	for name, args := range keyKind {
		for _, hash := range []string{"sha256", "sha512"} {
			t.Run(name+" "+hash, func(t *testing.T) {
				t.Parallel()
				file := newKey(t, args...)
				armored := keygenSign(t, file, textOf(t, statement), "-n", Namespace, "-O", "hashalg="+hash)
				approver, err := signers(t, adele+" "+publicKey(t, file)).Verify(statement, armored, now)
				require.NoError(t, err)
				assert.Equal(t, Approver{Principal: adele, Fingerprint: ssh.FingerprintSHA256(signer(t, file).PublicKey())}, approver)
			})
		}
	}
}

func TestWhatIsSignedHereOpenSSHVerifies(t *testing.T) {
	t.Parallel()
	for name, args := range keyKind {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := newKey(t, args...)
			line := adele + ` namespaces="` + Namespace + `" ` + publicKey(t, file)
			armored, err := Sign(statement, signer(t, file))
			require.NoError(t, err)
			text := textOf(t, statement)
			require.NoError(t, keygenVerify(t, text, armored, adele, line))
			require.Error(t, keygenVerify(t, text, armored, grady, line))
			require.Error(t, keygenVerify(t, text+"\n", armored, adele, line))
			_, err = signers(t, line).Verify(statement, armored, now)
			require.NoError(t, err)
		})
	}
}

func TestAKeyWithAPassphrase(t *testing.T) {
	t.Parallel()
	file := newKey(t, "-t", "ed25519", "-N", "correct horse")
	locked, err := ReadKey(file, func() ([]byte, error) { return []byte("correct horse"), nil })
	require.NoError(t, err)
	armored, err := Sign(statement, locked)
	require.NoError(t, err)
	require.NoError(t, keygenVerify(t, textOf(t, statement), armored, adele, adele+" "+publicKey(t, file)))

	_, err = ReadKey(file, func() ([]byte, error) { return []byte("wrong"), nil })
	require.EqualError(t, err, "the passphrase does not open "+file)
	_, err = ReadKey(file, nil)
	require.ErrorContains(t, err, "passphrase protected")
	gaveUp := errors.New("nobody typed")
	_, err = ReadKey(file, func() ([]byte, error) { return nil, gaveUp })
	require.ErrorIs(t, err, gaveUp)
	_, err = ReadKey(file+".pub", nil)
	require.ErrorContains(t, err, "is no private key that can sign here")
	_, err = ReadKey(file+".none", nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSSHAgentSigns(t *testing.T) {
	t.Parallel()
	socket := startAgent(t)
	_, err := SignWithAgent(t.Context(), statement, socket, "")
	require.EqualError(t, err, "ssh-agent holds no key that can approve: add one with ssh-add")

	var fingerprint string
	for name, args := range keyKind {
		file := newKey(t, args...)
		fingerprint = ssh.FingerprintSHA256(signer(t, file).PublicKey())
		_, err := SignWithAgent(t.Context(), statement, socket, fingerprint)
		require.EqualError(t, err, "ssh-agent does not hold the key "+fingerprint+": add it with ssh-add")
		addToAgent(t, socket, file)
		armored, err := SignWithAgent(t.Context(), statement, socket, fingerprint)
		require.NoError(t, err, name)
		line := adele + " " + publicKey(t, file)
		require.NoError(t, keygenVerify(t, textOf(t, statement), armored, adele, line), name)
		_, err = signers(t, line).Verify(statement, armored, now)
		require.NoError(t, err, name)
	}
	_, err = SignWithAgent(t.Context(), statement, socket, "")
	require.EqualError(t, err, "ssh-agent holds several keys: say which by its fingerprint, as ssh-add -l prints it")
}

func TestTheOnlyKeyOfSSHAgentNeedsNoName(t *testing.T) {
	t.Parallel()
	socket := startAgent(t)
	file := newKey(t, "-t", "ed25519")
	addToAgent(t, socket, file)
	armored, err := SignWithAgent(t.Context(), statement, socket, "")
	require.NoError(t, err)
	require.NoError(t, keygenVerify(t, textOf(t, statement), armored, adele, adele+" "+publicKey(t, file)))

	_, err = SignWithAgent(t.Context(), statement, "", "")
	require.ErrorContains(t, err, "SSH_AUTH_SOCK is not set")
	_, err = SignWithAgent(t.Context(), statement, socket+".none", "")
	require.ErrorContains(t, err, "reach ssh-agent")
}

// slowAgent holds a key that waits for a person who never comes.
type slowAgent struct {
	agent.Agent
	asked chan<- struct{}
}

func (a slowAgent) Sign(ssh.PublicKey, []byte) (*ssh.Signature, error) {
	close(a.asked)
	select {}
}

func TestNobodyWaitsForAnAgentForEver(t *testing.T) {
	t.Parallel()
	keys := agent.NewKeyring()
	require.NoError(t, keys.Add(agent.AddedKey{PrivateKey: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}))
	asked := make(chan struct{})
	here, there := filepath.Join(shortDir(t), "socket"), slowAgent{keys, asked}
	listener, err := net.Listen("unix", here)
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_ = agent.ServeAgent(there, conn)
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err = SignWithAgent(ctx, statement, here, "")
	require.ErrorIs(t, err, context.Canceled)
}

// shortDir is a folder for sockets: t.TempDir's name can be too long for one.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// startAgent starts an ssh-agent that ends with the test, and returns its socket.
func startAgent(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(shortDir(t), "socket")
	file, err := exec.LookPath("ssh-agent")
	require.NoError(t, err, "these tests need OpenSSH's programs: install the package openssh-client")
	command := exec.Command(file, "-D", "-a", socket)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	// The socket's file stands before the agent listens on it.
	require.Eventually(t, func() bool {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	}, 10*time.Second, 10*time.Millisecond)
	return socket
}

func addToAgent(t *testing.T, socket, file string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "ssh-add", "-q", file)
	command.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
}
