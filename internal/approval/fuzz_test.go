package approval

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// No file ends the worker, and none writes one person in two ways.
func FuzzParseSigners(f *testing.F) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA58NyPUxzPld24gAvojpEr6ty92rHRZNjbcG5b8p9K1"
	for _, file := range []string{
		"", "#", "a", "a b", adele + " " + key, adele + " " + key + "\n" + grady + " " + key,
		adele + ` namespaces="*,!git",valid-after="20260101Z",valid-before="202701011200Z" ` + key,
		adele + " cert-authority " + key, `a namespaces=" ` + key, `a namespaces="\" ` + key, `a namespaces="[,\,\xff" ` + key, "a ,, " + key,
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		allowed, err := ParseSigners(file)
		if err != nil {
			require.Empty(t, allowed)
			return
		}
		people := map[string]string{}
		for key, e := range allowed.entries {
			require.NotEmpty(t, e.principal)
			require.Positive(t, e.line)
			person := strings.ToLower(e.principal)
			if spelled, ok := people[person]; ok {
				require.Equal(t, spelled, e.principal)
			}
			people[person] = e.principal
			_, err := ssh.ParsePublicKey([]byte(key))
			require.NoError(t, err)
		}
	})
}

// No text that somebody sends ends the worker, and only the keys' holders approve.
// The keys are always the same, so that every process of the fuzzer knows them.
func FuzzVerify(f *testing.F) {
	plain, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	require.NoError(f, err)
	touched := newSecurityKeys(f)["ed25519"]
	touched.flags = 1
	var lines []string
	for _, key := range []ssh.Signer{plain, touched} {
		lines = append(lines, adele+" "+string(ssh.MarshalAuthorizedKey(key.PublicKey())))
		armored, err := Sign(statement, key)
		require.NoError(f, err)
		f.Add(armored)
	}
	allowed := signers(f, lines...)
	f.Add("")
	f.Add("-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----")
	f.Fuzz(func(t *testing.T, armored string) {
		approver, err := allowed.Verify(statement, armored, now)
		if err != nil {
			require.Empty(t, approver)
			return
		}
		require.Equal(t, adele, approver.Principal)
	})
}
