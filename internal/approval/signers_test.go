package approval

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnAllowedSignersFile(t *testing.T) {
	t.Parallel()
	ed, ec, other := newKey(t, "-t", "ed25519"), newKey(t, "-t", "ecdsa"), newKey(t, "-t", "ed25519")
	allowed := signers(t,
		"# who may approve",
		"",
		"  \t# indented",
		adele+" "+publicKey(t, ed)+" her laptop, and more words",
		"\t"+adele+`	NAMESPACES="file,`+Namespace+`",Valid-After="20260101Z"  `+publicKey(t, ec)+"\r",
		grady+" "+publicKey(t, other),
	)
	for file, want := range map[string]entry{
		ed:    {line: 4, principal: adele},
		ec:    {line: 5, principal: adele, after: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		other: {line: 6, principal: grady},
	} {
		assert.Equal(t, want, allowed.entries[string(signer(t, file).PublicKey().Marshal())])
	}
	assert.Len(t, allowed.entries, 3)
}

func TestAnAllowedSignersFileIsRefusedByItsLine(t *testing.T) {
	t.Parallel()
	key, other := publicKey(t, newKey(t, "-t", "ed25519")), publicKey(t, newKey(t, "-t", "ed25519"))
	short := publicKey(t, newKey(t, "-t", "rsa", "-b", "1024"))
	authority, certified := newKey(t, "-t", "ed25519"), newKey(t, "-t", "ed25519")
	_, err := openssh(t, "", "ssh-keygen", "-q", "-s", authority, "-I", "id", "-n", adele, certified+".pub")
	require.NoError(t, err)

	const option = "allowed signers, line 1: "
	for name, c := range map[string]struct{ file, refusal string }{
		"nothing":               {"", "allowed signers: the file names nobody, so nobody could approve"},
		"comments alone":        {"# nobody\n\n", "allowed signers: the file names nobody, so nobody could approve"},
		"one word":              {"# a comment\n" + adele, "allowed signers, line 2: a line has a principal and a public key"},
		"no principal":          {key, option + "no usable public key: "},
		"no key":                {adele + ` namespaces="x"`, option + "no usable public key: "},
		"broken key":            {adele + " ssh-ed25519 AAAA", option + "no usable public key: "},
		"another type's key":    {adele + strings.Replace(key, "ssh-ed25519", " ssh-rsa", 1), option + "no usable public key: "},
		"key in a comment":      {adele + " # " + key, option + "no usable public key: "},
		"certificate":           {adele + " " + publicKey(t, certified+"-cert"), option + "keys of type ssh-ed25519-cert-v01@openssh.com cannot approve"},
		"short RSA key":         {adele + " " + short, option + "the RSA key has 1024 bits; at least 2048 are needed"},
		"two people":            {adele + "," + grady + " " + key, option + "a line names one person; it has no list and no wildcard"},
		"anybody":               {"*@contoso.com " + key, option + "a line names one person"},
		"a question mark":       {"adele@contoso.co? " + key, option + "a line names one person"},
		"everybody but one":     {"!" + adele + " " + key, option + "a line names one person"},
		"quoted":                {`"` + adele + `" ` + key, option + "a line names one person"},
		"a look-alike":          {"аdele@contoso.com " + key, option + "a principal has letters without accents"},
		"byte order mark":       {"\ufeff" + adele + " " + key, option + "a principal has letters without accents"},
		"control character":     {"ad\x1bele " + key, option + "a principal has letters without accents"},
		"key of two people":     {adele + " " + key + "\n\n" + grady + " " + key, "allowed signers, line 3: the key stands on line 1 already; a key is one person's, on one line"},
		"key twice":             {adele + " " + key + " a\n" + adele + " " + key + " b", "allowed signers, line 2: the key stands on line 1 already"},
		"other capitals":        {adele + " " + key + "\nAdele@contoso.com " + other, "allowed signers, line 2: line 1 writes the same principal with other capitals"},
		"second line":           {adele + " " + key + "\n" + grady + " nonsense", "allowed signers, line 2: no usable public key: "},
		"authority":             {adele + " cert-authority " + key, option + "cert-authority is not supported; write each person's own key"},
		"authority in capitals": {adele + " CERT-Authority " + key, option + "cert-authority is not supported"},
		"no touch":              {adele + " no-touch-required " + key, option + "no-touch-required is not supported; whoever approves touches the security key"},
		"unknown option":        {adele + ` principals="x" ` + key, option + `unknown option "principals"; there are namespaces, valid-after and valid-before`},
		"option twice":          {adele + ` namespaces="x",Namespaces="y" ` + key, option + "the option namespaces stands twice"},
		"without quotes":        {adele + " namespaces=git " + key, option + "the value of namespaces stands in double quotes"},
		"without a value":       {adele + " valid-after " + key, option + "the value of valid-after stands in double quotes"},
		"half quoted":           {adele + ` valid-after=20260101Z" ` + key + `"`, option},
		"quote within":          {adele + ` namespaces="a\"b" ` + key, option + "the value of namespaces stands in double quotes"},
		"one quote":             {adele + ` namespaces=" ` + key, option + "no usable public key: "},
		"local time":            {adele + ` valid-before="20260101" ` + key, option + "valid-before: a time is YYYYMMDDZ, YYYYMMDDHHMMZ or YYYYMMDDHHMMSSZ, in UTC"},
		"no such day":           {adele + ` valid-after="20260230Z" ` + key, option + "valid-after: a time is"},
		"RFC 3339":              {adele + ` valid-after="2026-01-01T00:00:00Z" ` + key, option + "valid-after: a time is"},
		"never valid":           {adele + ` valid-after="20260102Z",valid-before="20260101Z" ` + key, option + "valid-before must be later than valid-after"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			allowed, err := ParseSigners([]byte(c.file))
			require.ErrorContains(t, err, c.refusal)
			require.NotContains(t, err.Error(), "@contoso.com", "errors name lines, not people")
			require.Empty(t, allowed)
		})
	}
}

func TestNamespacePatterns(t *testing.T) {
	t.Parallel()
	key := newKey(t, "-t", "ed25519")
	text := textOf(t, statement)
	armored := keygenSign(t, key, text, "-n", Namespace)
	for patterns, want := range map[string]bool{
		Namespace:                          true,
		"*":                                true,
		"file,leaver-*":                    true,
		"leaver-approval@leaver.de?":       true,
		"*,!git":                           true,
		"":                                 false,
		"git":                              false,
		"leaver-approval":                  false,
		"?":                                false,
		"!git":                             false,
		"*,!leaver-*":                      false,
		"!leaver-*,*":                      false,
		"LEAVER-APPROVAL@LEAVER.DEV":       false,
		"[l]eaver-approval@leaver.dev":     false,
		`\leaver-approval@leaver.dev`:      false,
		"file, leaver-approval@leaver.dev": false,
	} {
		line := adele + ` namespaces="` + patterns + `" ` + publicKey(t, key)
		_, err := signers(t, line).Verify(statement, armored, now)
		assert.Equal(t, want, err == nil, "%q here", patterns)
		assert.Equal(t, want, keygenVerify(t, text, armored, adele, line) == nil, "%q in OpenSSH", patterns)
	}
}
