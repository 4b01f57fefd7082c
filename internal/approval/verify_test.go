package approval

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/hiddeco/sshsig"
	"github.com/leaver-dev/leaver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

func TestASignatureForSomethingElseApprovesNothing(t *testing.T) {
	t.Parallel()
	file := newKey(t, "-t", "ed25519")
	allowed := signers(t, adele+" "+publicKey(t, file))
	armored, err := Sign(statement, signer(t, file))
	require.NoError(t, err)

	for name, change := range map[string]func(*leaver.Statement){
		"decision": func(s *leaver.Statement) { s.Decision = "reject" },
		"workflow": func(s *leaver.Statement) { s.WorkflowID += "0" },
		"run":      func(s *leaver.Statement) { s.FirstRunID += "0" },
		"plan":     func(s *leaver.Statement) { s.Plan = leaver.Digest([]byte(`{"steps":["removeAllDevices"]}`)) },
	} {
		other := statement
		change(&other)
		_, err := allowed.Verify(other, armored, now)
		assert.ErrorContains(t, err, "not over this decision, offboarding and plan: fetch the statement again", name)
	}
	_, err = allowed.Verify(leaver.Statement{}, armored, now)
	require.EqualError(t, err, "a statement's decision must be one line of printable characters")
	_, err = Sign(leaver.Statement{}, signer(t, file))
	require.EqualError(t, err, "a statement's decision must be one line of printable characters")

	for _, namespace := range []string{"git", "file", Namespace + ".example"} {
		_, err := allowed.Verify(statement, keygenSign(t, file, textOf(t, statement), "-n", namespace), now)
		assert.EqualError(t, err, "the signature is for another purpose: sign with ssh-keygen -Y sign -n "+Namespace)
	}
	relabelled := opened(t, keygenSign(t, file, textOf(t, statement), "-n", "git"))
	relabelled.Namespace = Namespace
	_, err = allowed.Verify(statement, string(sshsig.Armor(relabelled)), now)
	require.ErrorContains(t, err, "not over this decision")
}

func TestOnlyAnAllowedKeyApproves(t *testing.T) {
	t.Parallel()
	file, another := newKey(t, "-t", "ed25519"), newKey(t, "-t", "ed25519")
	armored, err := Sign(statement, signer(t, file))
	require.NoError(t, err)
	key, fingerprint := publicKey(t, file), ssh.FingerprintSHA256(signer(t, file).PublicKey())

	for name, c := range map[string]struct{ line, refusal string }{
		"unknown":           {adele + " " + publicKey(t, another), " is not in the allowed signers file: sign with a key that is, or have it added"},
		"other namespace":   {adele + ` namespaces="git" ` + key, " may not approve: the namespaces on line 1 of the allowed signers file leave out " + Namespace},
		"namespace kept":    {adele + ` namespaces="leaver-*" ` + key, ""},
		"namespace refused": {adele + ` namespaces="*,!leaver-approval@*" ` + key, " may not approve: the namespaces on line 1 of the allowed signers file leave out " + Namespace},
		"not yet":           {adele + ` valid-after="202603020901Z" ` + key, " is not valid before 2026-03-02T09:01:00Z (line 1 of the allowed signers file): sign with another key"},
		"no longer":         {adele + ` valid-before="20260302085959Z" ` + key, " is not valid after 2026-03-02T08:59:59Z (line 1 of the allowed signers file): sign with another key"},
		"from now":          {adele + ` valid-after="202603020900Z" ` + key, ""},
		"until now":         {adele + ` valid-before="20260302090000Z",valid-after="20260301Z" ` + key, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			approver, err := signers(t, c.line).Verify(statement, armored, now)
			openSSH := keygenVerify(t, textOf(t, statement), armored, adele, c.line)
			if c.refusal == "" {
				require.NoError(t, err)
				require.NoError(t, openSSH)
				assert.Equal(t, adele, approver.Principal)
				return
			}
			require.EqualError(t, err, "the key "+fingerprint+c.refusal)
			require.Error(t, openSSH)
		})
	}
	_, err = Signers{}.Verify(statement, armored, now)
	require.ErrorContains(t, err, "is not in the allowed signers file")
}

func TestWhatIsNoSignature(t *testing.T) {
	t.Parallel()
	file := newKey(t, "-t", "ed25519")
	allowed := signers(t, adele+" "+publicKey(t, file))
	good := keygenSign(t, file, textOf(t, statement), "-n", Namespace)

	const notOne, unusable = "this is no SSH signature: send all that", "this SSH signature cannot be used: sign with"
	for name, c := range map[string]struct{ armored, refusal string }{
		"nothing":           {"", notOne},
		"words":             {"I approve", notOne},
		"other PEM":         {strings.ReplaceAll(good, "SSH SIGNATURE", "PGP SIGNATURE"), notOne},
		"words before":      {"Approved:\n" + good, notOne},
		"words behind":      {good + "Adele", notOne},
		"two":               {good + good, notOne},
		"headers":           {strings.Replace(good, "\n", "\nBy: Adele\n\n", 1), notOne},
		"without an end":    {strings.Split(good, "-----END")[0], notOne},
		"no base64":         {strings.Replace(good, "U1NI", "U%NI", 1), notOne},
		"other preamble":    {strings.Replace(good, "U1NI", "V1NI", 1), unusable},
		"empty":             {"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", unusable},
		"too long":          {good + strings.Repeat("\n", MaxSignature) + "x", "the signature is longer than 8192 bytes"},
		"unknown hash":      {forged(t, good, func(s *sshsig.Signature) { s.HashAlgorithm = "md5" }), unusable},
		"other hash":        {forged(t, good, func(s *sshsig.Signature) { s.HashAlgorithm = "sha256" }), "not over this decision"},
		"newer version":     {forged(t, good, func(s *sshsig.Signature) { s.Version = 2 }), unusable},
		"no namespace":      {forged(t, good, func(s *sshsig.Signature) { s.Namespace = "" }), "for another purpose"},
		"something behind":  {forged(t, good, func(s *sshsig.Signature) { s.Signature.Rest = []byte{1} }), "more than a signature in it"},
		"other algorithm":   {forged(t, good, func(s *sshsig.Signature) { s.Signature.Format = ssh.KeyAlgoECDSA256 }), "not over this decision"},
		"cut short":         {forged(t, good, func(s *sshsig.Signature) { s.Signature.Blob = s.Signature.Blob[:63] }), "not over this decision"},
		"no signature":      {forged(t, good, func(s *sshsig.Signature) { s.Signature.Blob = nil }), "not over this decision"},
		"changed signature": {forged(t, good, func(s *sshsig.Signature) { s.Signature.Blob[7] ^= 1 }), "not over this decision"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := allowed.Verify(statement, c.armored, now)
			require.ErrorContains(t, err, c.refusal)
		})
	}
	for name, armored := range map[string]string{
		"blank lines around": "\n\n" + good + "\n",
		"Windows lines":      strings.ReplaceAll(good, "\n", "\r\n"),
		"no last newline":    strings.TrimSpace(good),
	} {
		_, err := allowed.Verify(statement, armored, now)
		assert.NoError(t, err, name)
	}
}

func TestACertificateApprovesNothing(t *testing.T) {
	t.Parallel()
	authority, file := newKey(t, "-t", "ed25519"), newKey(t, "-t", "rsa", "-b", "2048")
	_, err := openssh(t, "", "ssh-keygen", "-q", "-s", authority, "-I", "id", "-n", adele, file+".pub")
	require.NoError(t, err)
	armored := keygenSign(t, file+"-cert.pub", textOf(t, statement), "-n", Namespace)
	require.NoError(t, keygenVerify(t, textOf(t, statement), armored, adele, adele+" cert-authority "+publicKey(t, authority)))

	_, err = signers(t, adele+" "+publicKey(t, file)).Verify(statement, armored, now)
	require.EqualError(t, err, "the signature is by a certificate: sign with the key alone")
}

// sha1Signer is an agent that knows nothing newer than SHA-1 for RSA keys.
type sha1Signer struct{ ssh.AlgorithmSigner }

func (s sha1Signer) SignWithAlgorithm(random io.Reader, text []byte, _ string) (*ssh.Signature, error) {
	return s.AlgorithmSigner.SignWithAlgorithm(random, text, ssh.KeyAlgoRSA)
}

func TestSHA1ApprovesNothing(t *testing.T) {
	t.Parallel()
	file := newKey(t, "-t", "rsa", "-b", "2048")
	old := sha1Signer{signer(t, file).(ssh.AlgorithmSigner)}
	_, err := Sign(statement, old)
	require.ErrorContains(t, err, "this SSH signature cannot be used")

	signature, err := sshsig.Sign(strings.NewReader(textOf(t, statement)), old, sshsig.HashSHA512, Namespace)
	require.NoError(t, err)
	require.Equal(t, ssh.KeyAlgoRSA, signature.Signature.Format)
	_, err = signers(t, adele+" "+publicKey(t, file)).Verify(statement, string(sshsig.Armor(signature)), now)
	require.ErrorContains(t, err, "this SSH signature cannot be used")
}

// securityKey signs as a FIDO device does (OpenSSH's PROTOCOL.u2f).
type securityKey struct {
	public ssh.PublicKey
	flags  byte
	sign   func(signed []byte) []byte
}

const application = "ssh:"

func newSecurityKeys(t testing.TB) map[string]securityKey {
	t.Helper()
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	ed, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Type        string
		Point       []byte
		Application string
	}{ssh.KeyAlgoSKED25519, private.Public().(ed25519.PublicKey), application}))
	require.NoError(t, err)

	privateEC, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	pointEC, err := privateEC.PublicKey.Bytes()
	require.NoError(t, err)
	ec, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Type, Curve string
		Point       []byte
		Application string
	}{ssh.KeyAlgoSKECDSA256, "nistp256", pointEC, application}))
	require.NoError(t, err)

	return map[string]securityKey{
		"ed25519": {public: ed, sign: func(signed []byte) []byte { return ed25519.Sign(private, signed) }},
		"ecdsa": {public: ec, sign: func(signed []byte) []byte {
			digest := sha256.Sum256(signed)
			r, s, err := ecdsa.Sign(rand.Reader, privateEC, digest[:])
			require.NoError(t, err)
			return ssh.Marshal(struct{ R, S *big.Int }{r, s})
		}},
	}
}

func (k securityKey) PublicKey() ssh.PublicKey { return k.public }

func (k securityKey) Sign(_ io.Reader, text []byte) (*ssh.Signature, error) {
	device := []byte{k.flags, 0, 0, 0, 7}
	app, message := sha256.Sum256([]byte(application)), sha256.Sum256(text)
	signed := append(append(app[:], device...), message[:]...)
	return &ssh.Signature{Format: k.public.Type(), Blob: k.sign(signed), Rest: device}, nil
}

func TestASecurityKeyApprovesOnlyWhenTouched(t *testing.T) {
	t.Parallel()
	const present, verified = 1, 4
	for name, key := range newSecurityKeys(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := adele + " " + string(ssh.MarshalAuthorizedKey(key.public))
			allowed := signers(t, line)
			for _, flags := range []byte{present, present | verified} {
				key.flags = flags
				armored, err := Sign(statement, key)
				require.NoError(t, err)
				require.NoError(t, keygenVerify(t, textOf(t, statement), armored, adele, line))
				approver, err := allowed.Verify(statement, armored, now)
				require.NoError(t, err)
				assert.Equal(t, adele, approver.Principal)

				_, err = allowed.Verify(statement, forged(t, armored, func(s *sshsig.Signature) { s.Signature.Rest[4]++ }), now)
				require.ErrorContains(t, err, "not over this decision")
			}
			for _, flags := range []byte{0, verified} {
				key.flags = flags
				_, err := Sign(statement, key)
				require.ErrorContains(t, err, "the security key was not touched")
				signature, err := sshsig.Sign(strings.NewReader(textOf(t, statement)), key, sshsig.HashSHA512, Namespace)
				require.NoError(t, err)
				_, err = allowed.Verify(statement, string(sshsig.Armor(signature)), now)
				require.ErrorContains(t, err, "the security key was not touched")

				signature.Signature.Rest[0] |= present
				_, err = allowed.Verify(statement, string(sshsig.Armor(signature)), now)
				require.ErrorContains(t, err, "not over this decision")
				signature.Signature.Rest = nil
				_, err = allowed.Verify(statement, string(sshsig.Armor(signature)), now)
				require.ErrorContains(t, err, "the security key was not touched")
			}
		})
	}
}

func TestAPersonCountsOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		approvers []Approver
		people    int
	}{
		"nobody":                   {nil, 0},
		"one":                      {[]Approver{{adele, "SHA256:a"}}, 1},
		"two":                      {[]Approver{{adele, "SHA256:a"}, {grady, "SHA256:g"}}, 2},
		"one with two keys":        {[]Approver{{adele, "SHA256:a"}, {adele, "SHA256:b"}}, 1},
		"twice the same":           {[]Approver{{adele, "SHA256:a"}, {adele, "SHA256:a"}}, 1},
		"in other capitals":        {[]Approver{{adele, "SHA256:a"}, {"Adele@contoso.com", "SHA256:b"}}, 1},
		"a key that changed hands": {[]Approver{{adele, "SHA256:a"}, {grady, "SHA256:a"}, {grady, "SHA256:g"}}, 1},
	} {
		assert.Equal(t, c.people, Distinct(c.approvers), name)
	}
}

func opened(t testing.TB, armored string) *sshsig.Signature {
	t.Helper()
	signature, err := sshsig.Unarmor([]byte(armored))
	require.NoError(t, err)
	return signature
}

// forged is a signature that somebody has changed.
func forged(t testing.TB, armored string, change func(*sshsig.Signature)) string {
	t.Helper()
	signature := opened(t, armored)
	change(signature)
	return string(sshsig.Armor(signature))
}
