package leaver

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Statement is what a person signs: one decision about one plan of one
// offboarding. A signature over it says nothing about any other.
type Statement struct {
	Decision   Action // Approve
	WorkflowID string
	// FirstRunID is the run that the offboarding began with. It stays the same
	// when the workflow continues as new.
	FirstRunID string
	// Plan is the Digest of the plan as canonical JSON: the same plan must give the same bytes.
	Plan string
}

// Text is the exact text that is signed: four lines, in which the plan stands
// as its SHA-256 digest. It fails when a field is empty, or holds a character
// that does not print and so could make a person read another text.
func (s Statement) Text() (string, error) {
	lines := []struct{ name, value string }{
		{"decision", string(s.Decision)},
		{"workflow", s.WorkflowID},
		{"run", s.FirstRunID},
		{"plan", s.Plan},
	}
	var text strings.Builder
	for _, line := range lines {
		if !isPrintable(line.value) {
			return "", fmt.Errorf("a statement's %s must be one line of printable characters", line.name)
		}
		fmt.Fprintf(&text, "%s %s\n", line.name, line.value)
	}
	return text.String(), nil
}

// Digest is how a statement names a plan.
func Digest(plan []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(plan)) }

func isPrintable(value string) bool {
	return value != "" && utf8.ValidString(value) && strings.TrimSpace(value) == value &&
		!strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) })
}
