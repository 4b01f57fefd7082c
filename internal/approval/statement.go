// Package approval lets a second person approve an offboarding's plan with an
// OpenSSH signature: what is signed, who may sign, and which signatures count.
//
// A person signs with Sign, with SignWithAgent, or with OpenSSH itself:
//
//	ssh-keygen -Y sign -n leaver-approval@leaver.dev -f KEY STATEMENT
package approval

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Namespace is what a signature must be made for (ssh-keygen -n). A signature
// for another purpose, as git makes them, approves nothing.
const Namespace = "leaver-approval@leaver.dev"

// Approve is the decision of a person who approves a plan.
const Approve = "approve"

// Statement is what a person signs: one decision about one plan of one
// offboarding. A signature over it says nothing about any other.
type Statement struct {
	Decision   string // Approve
	WorkflowID string
	// FirstRunID is the run that the offboarding began with. It stays the same
	// when the workflow continues as new.
	FirstRunID string
	// Plan is the plan as canonical JSON: the same plan must give the same bytes.
	Plan []byte
}

// Text is the exact text that is signed: four lines, in which the plan stands
// as its SHA-256 digest. It fails when a field is empty, or holds a character
// that does not print and so could make a person read another text.
func (s Statement) Text() (string, error) {
	if len(s.Plan) == 0 {
		return "", errors.New("a statement needs a plan")
	}
	lines := []struct{ name, value string }{
		{"decision", s.Decision},
		{"workflow", s.WorkflowID},
		{"run", s.FirstRunID},
		{"plan", fmt.Sprintf("sha256:%x", sha256.Sum256(s.Plan))},
	}
	var text strings.Builder
	for _, line := range lines {
		if !printable(line.value) {
			return "", fmt.Errorf("a statement's %s must be one line of printable characters", line.name)
		}
		fmt.Fprintf(&text, "%s %s\n", line.name, line.value)
	}
	return text.String(), nil
}

func printable(value string) bool {
	return value != "" && utf8.ValidString(value) && strings.TrimSpace(value) == value &&
		!strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) })
}
