package approval

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Signers are the people who may approve, each with one key or several.
type Signers struct {
	entries map[string]entry // by the key as it stands on the wire
}

// entry is what one line says about its key.
type entry struct {
	line      int
	principal string
	elsewhere bool      // its namespaces leave out Namespace
	after     time.Time // zero: always
	before    time.Time // zero: for ever
}

var keyTypes = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256,
	ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA,
}

const leastRSABits = 2048

// ParseSigners reads an allowed signers file (ssh-keygen(1), ALLOWED SIGNERS).
// The error names the line. Nobody may count twice, so the file is narrower
// than OpenSSH's:
//
//   - A line names one principal, without wildcards: the person. A person with
//     several keys has a line for each.
//   - A key stands in the file once. Who is no longer to sign is taken out of
//     the file, or gets a valid-before; lists of revoked keys (KRL) and
//     certificate authorities are not supported.
//   - valid-after and valid-before end with Z (UTC). OpenSSH takes other times
//     for those of the machine's zone, and machines differ.
//   - RSA keys have 2048 bits or more. DSA is refused.
func ParseSigners(file []byte) (Signers, error) {
	signers := Signers{entries: map[string]entry{}}
	people := map[string]entry{} // by the principal in lower case
	number := 0
	for text := range strings.Lines(string(file)) {
		number++
		text = strings.Trim(text, " \t\r\n")
		if text == "" || text[0] == '#' {
			continue
		}
		e, key, err := parseEntry(text)
		if err != nil {
			return Signers{}, fmt.Errorf("allowed signers, line %d: %w", number, err)
		}
		e.line = number
		if other, ok := signers.entries[key]; ok {
			return Signers{}, fmt.Errorf("allowed signers, line %d: the key stands on line %d already; a key is one person's, on one line", number, other.line)
		}
		person := strings.ToLower(e.principal)
		if other, ok := people[person]; ok && other.principal != e.principal {
			return Signers{}, fmt.Errorf("allowed signers, line %d: line %d writes the same principal with other capitals; write it the same way everywhere", number, other.line)
		}
		signers.entries[key], people[person] = e, e
	}
	if len(people) == 0 {
		return Signers{}, errors.New("allowed signers: the file names nobody, so nobody could approve")
	}
	return signers, nil
}

// People is how many people the file names for Namespace.
func (s Signers) People() int {
	people := map[string]bool{}
	for _, e := range s.entries {
		if !e.elsewhere {
			people[e.principal] = true
		}
	}
	return len(people)
}

func parseEntry(text string) (entry, string, error) {
	end := strings.IndexAny(text, " \t")
	if end < 0 {
		return entry{}, "", errors.New("a line has a principal and a public key")
	}
	e := entry{principal: text[:end]}
	if strings.ContainsAny(e.principal, `,*?"`) || e.principal[0] == '!' {
		return entry{}, "", errors.New("a line names one person; it has no list and no wildcard")
	}
	// As user principal names are. Two that look alike cannot be two people.
	if strings.ContainsFunc(e.principal, func(r rune) bool { return r < '!' || r > '~' }) {
		return entry{}, "", errors.New("a principal has letters without accents, digits and ASCII punctuation only")
	}
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(text[end:]))
	if err != nil {
		return entry{}, "", fmt.Errorf("no usable public key: %w", err)
	}
	if !slices.Contains(keyTypes, key.Type()) {
		return entry{}, "", fmt.Errorf("keys of type %s cannot approve; use ed25519, ecdsa, rsa or a security key, without a certificate", key.Type())
	}
	if crypto, ok := key.(ssh.CryptoPublicKey); ok {
		if rsaKey, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); ok && rsaKey.N.BitLen() < leastRSABits {
			return entry{}, "", fmt.Errorf("the RSA key has %d bits; at least %d are needed", rsaKey.N.BitLen(), leastRSABits)
		}
	}
	seen := map[string]bool{}
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		name = strings.ToLower(name)
		if seen[name] {
			return entry{}, "", fmt.Errorf("the option %s stands twice", name)
		}
		seen[name] = true
		if err := e.set(name, value); err != nil {
			return entry{}, "", err
		}
	}
	if !e.after.IsZero() && !e.before.IsZero() && !e.after.Before(e.before) {
		return entry{}, "", errors.New("valid-before must be later than valid-after")
	}
	return e, string(key.Marshal()), nil
}

func (e *entry) set(option, value string) error {
	switch option {
	case "cert-authority":
		return errors.New("cert-authority is not supported; write each person's own key")
	case "no-touch-required": // authorized_keys has it; ssh-keygen refuses it in this file, too
		return errors.New("no-touch-required is not supported; whoever approves touches the security key")
	case "namespaces", "valid-after", "valid-before":
	default:
		return fmt.Errorf("unknown option %q; there are namespaces, valid-after and valid-before", option)
	}
	quoted := value
	value = strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`)
	if quoted != `"`+value+`"` || strings.Contains(value, `"`) {
		return fmt.Errorf("the value of %s stands in double quotes", option)
	}
	var err error
	switch option {
	case "namespaces":
		e.elsewhere = !allow(value)
	case "valid-after":
		e.after, err = timestamp(value)
	case "valid-before":
		e.before, err = timestamp(value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", option, err)
	}
	return nil
}

// allow reports whether a pattern-list (ssh_config(5), PATTERNS) lets Namespace
// in. A pattern with an exclamation mark that fits keeps it out.
func allow(patterns string) bool {
	allowed := false
	literal := strings.NewReplacer(`\`, `\\`, `[`, `\[`) // special to path.Match, not to OpenSSH
	for pattern := range strings.SplitSeq(patterns, ",") {
		pattern, not := strings.CutPrefix(pattern, "!")
		if fits, _ := path.Match(literal.Replace(pattern), Namespace); fits {
			if not {
				return false
			}
			allowed = true
		}
	}
	return allowed
}

func timestamp(text string) (time.Time, error) {
	for _, layout := range []string{"20060102Z", "200601021504Z", "20060102150405Z"} {
		if len(text) == len(layout) {
			if t, err := time.Parse(layout, text); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, errors.New("a time is YYYYMMDDZ, YYYYMMDDHHMMZ or YYYYMMDDHHMMSSZ, in UTC")
}
