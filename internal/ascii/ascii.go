// Package ascii compares names and ids by ASCII letters alone. Unicode folds letters of other scripts to ASCII
// ones, such as the Kelvin sign to k, and names that differ in them are two names.
package ascii

// EqualFold reports whether two texts are the same but for the case of ASCII letters.
func EqualFold(a, b string) bool { return ToLower(a) == ToLower(b) }

// ToLower returns a text with its ASCII letters in lower case.
func ToLower(text string) string {
	lower := []byte(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}
