package graphsim

import (
	"net/http"
	"regexp"
)

// setsPasswords are the permissions to reset a password. One of them alone is not enough for an administrator's.
var setsPasswords = [][]string{{"User-PasswordProfile.ReadWrite.All"}, {"User.ReadWrite.All"}, {"Directory.ReadWrite.All"}}

// acceptsPassword says why the tenant does not take a password profile, or nil. The tenant keeps no password.
func (t *Tenant) acceptsPassword(q query, value any) *answer {
	profile, _ := value.(map[string]any)
	password, _ := profile["password"].(string)
	var refusal answer
	switch {
	case q.user.privileged():
		refusal = fault(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	case !isComplex(password):
		refusal = fault(http.StatusBadRequest, "Request_BadRequest", "The specified password does not comply with password complexity requirements. Please provide a different password.")
	default:
		return nil
	}
	return &refusal
}

var classes = []*regexp.Regexp{regexp.MustCompile(`[a-z]`), regexp.MustCompile(`[A-Z]`), regexp.MustCompile(`[0-9]`), regexp.MustCompile(`[^a-zA-Z0-9]`)}

// isComplex reports whether a password has three of four kinds of characters, and a fit length.
//
// Microsoft: https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy
func isComplex(password string) bool {
	n := 0
	for _, class := range classes {
		if class.MatchString(password) {
			n++
		}
	}
	return n >= 3 && len(password) >= 8 && len(password) <= 256
}

var passwords = regexp.MustCompile(`("password"\s*:\s*)"(?:[^"\\]|\\.)*"`)

// withoutPasswords is a body as it may be kept.
func withoutPasswords(body []byte) string { return passwords.ReplaceAllString(string(body), `$1"…"`) }
