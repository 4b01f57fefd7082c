package approval

import (
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"github.com/leaver-dev/leaver"
	"golang.org/x/crypto/ssh"
)

// MaxSignature is how long an armored signature may be, in bytes. One of the
// longest RSA key that OpenSSH makes is shorter.
const MaxSignature = 8 << 10

const armorBegin = "-----BEGIN " + sshsig.PEMType + "-----"

// Approver is who made a signature that counts.
type Approver struct {
	Principal   string // the person, as the allowed signers file writes it
	Fingerprint string // of the key, as ssh-keygen -l prints it: SHA256:…
}

// Verify says who signed the statement. It takes the armored text that
// ssh-keygen -Y sign writes (OpenSSH's PROTOCOL.sshsig), and the time at which
// the key must be valid: a signature does not say when it was made.
//
// Every error is a refusal, says what to do, and names no person. Refused are a
// text that is no signature, another namespace, statement or hash than Namespace,
// sha256 or sha512, a key that is not allowed to approve at that time, a
// certificate, an RSA signature with SHA-1, and a security key that was not
// touched (OpenSSH's PROTOCOL.u2f).
func (s Signers) Verify(statement leaver.Statement, armored string, at time.Time) (Approver, error) {
	text, err := statement.Text()
	if err != nil {
		return Approver{}, err
	}
	signature, err := open(armored)
	if err != nil {
		return Approver{}, err
	}
	fingerprint := ssh.FingerprintSHA256(signature.PublicKey)
	e, known := s.entries[string(signature.PublicKey.Marshal())]
	switch {
	case !known:
		return Approver{}, fmt.Errorf("the key %s is not in the allowed signers file: sign with a key that is, or have it added", fingerprint)
	case e.elsewhere:
		return Approver{}, fmt.Errorf("the key %s may not approve: the namespaces on line %d of the allowed signers file leave out %s", fingerprint, e.line, Namespace)
	case !e.after.IsZero() && at.Before(e.after):
		return Approver{}, fmt.Errorf("the key %s is not valid before %s (line %d of the allowed signers file): sign with another key", fingerprint, e.after.Format(time.RFC3339), e.line)
	case !e.before.IsZero() && at.After(e.before):
		return Approver{}, fmt.Errorf("the key %s is not valid after %s (line %d of the allowed signers file): sign with another key", fingerprint, e.before.Format(time.RFC3339), e.line)
	}
	if err := check(text, signature); err != nil {
		return Approver{}, err
	}
	return Approver{Principal: e.principal, Fingerprint: fingerprint}, nil
}

// Distinct counts the people among approvers. The same principal and the same
// key count once, also when the allowed signers file changed in between.
func Distinct(approvers []Approver) int {
	people := 0
	seen := map[string]bool{}
	for _, a := range approvers {
		person := strings.ToLower(a.Principal)
		if !seen[person] && !seen[a.Fingerprint] {
			people++
		}
		seen[person], seen[a.Fingerprint] = true, true
	}
	return people
}

// open reads an armored signature and refuses what could not approve whoever
// made it.
func open(armored string) (*sshsig.Signature, error) {
	armored = strings.TrimSpace(armored)
	if len(armored) > MaxSignature {
		return nil, fmt.Errorf("the signature is longer than %d bytes: send only what ssh-keygen -Y sign wrote", MaxSignature)
	}
	block, rest := pem.Decode([]byte(armored))
	if block == nil || !strings.HasPrefix(armored, armorBegin) || block.Type != sshsig.PEMType || len(block.Headers) > 0 || len(rest) > 0 {
		return nil, errors.New("this is no SSH signature: send all that ssh-keygen -Y sign wrote, from the line BEGIN SSH SIGNATURE to the line END SSH SIGNATURE, and nothing else")
	}
	signature, err := sshsig.ParseSignature(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("this SSH signature cannot be used: sign with ssh-keygen -Y sign and a key of type ed25519, ecdsa or rsa: %w", err)
	}
	if _, ok := signature.PublicKey.(*ssh.Certificate); ok {
		return nil, errors.New("the signature is by a certificate: sign with the key alone")
	}
	if signature.Namespace != Namespace {
		return nil, errors.New("the signature is for another purpose: sign with ssh-keygen -Y sign -n " + Namespace)
	}
	return signature, nil
}

// check reports whether the signature is over the text, by the key that it names.
func check(text string, signature *sshsig.Signature) error {
	switch signature.PublicKey.Type() {
	case ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		var device struct {
			Flags   byte
			Counter uint32
		}
		const touched = 1
		if err := ssh.Unmarshal(signature.Signature.Rest, &device); err != nil || device.Flags&touched == 0 {
			return errors.New("the security key was not touched: sign again with a key that asks for a touch")
		}
	default:
		if len(signature.Signature.Rest) > 0 {
			return errors.New("the signature has more than a signature in it: sign again with ssh-keygen -Y sign")
		}
	}
	if err := sshsig.Verify(strings.NewReader(text), signature, signature.PublicKey, signature.HashAlgorithm, Namespace); err != nil {
		return fmt.Errorf("the signature is not over this decision, offboarding and plan: fetch the statement again, the plan may have changed, and sign exactly its text: %w", err)
	}
	return nil
}
