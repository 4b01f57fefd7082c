package leaver

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Settings is what a step can be told about its work, by steps.NAME of a request. docs/steps.md says which step takes
// what.
type Settings struct {
	// HandOverTo is who takes over what the leaver has: an object id, a user principal name, or the word "manager",
	// which is the default. A request may say it once for all steps.
	HandOverTo string `json:"handOverTo,omitzero"`
	// Group is the object id of a group.
	Group string `json:"group,omitzero"`
	// Attributes are properties of the user, by Graph's names.
	Attributes []string `json:"attributes,omitempty"`
	// InternalMessage and ExternalMessage are texts of an automatic reply, for people inside and outside of the
	// organisation; they may hold Placeholders.
	InternalMessage string `json:"internalMessage,omitzero"`
	ExternalMessage string `json:"externalMessage,omitzero"`
	// Access is how the successor is let into the mailbox: AccessFull, which is the default, and the others.
	Access []string `json:"access,omitempty"`
	// Protocols are those to which a mailbox is closed, by the names of MailProtocols.
	Protocols []string `json:"protocols,omitempty"`
	// HoldDays is for how many days a mailbox holds each item; zero means without an end.
	HoldDays int `json:"holdDays,omitzero"`
}

// SettingHandOverTo and the others are the names of Settings.
const (
	SettingHandOverTo      = "handOverTo"
	SettingGroup           = "group"
	SettingAttributes      = "attributes"
	SettingInternalMessage = "internalMessage"
	SettingExternalMessage = "externalMessage"
	SettingAccess          = "access"
	SettingProtocols       = "protocols"
	SettingHoldDays        = "holdDays"
)

// AccessFull and the others are ways into a mailbox.
const (
	AccessFull         = "fullAccess"
	AccessSendAs       = "sendAs"
	AccessSendOnBehalf = "sendOnBehalf"
)

// MailProtocols are the ways by which programs reach a mailbox.
func MailProtocols() []string {
	return []string{"activeSync", "ews", "imap", "mapi", "owa", "pop", "smtp"}
}

// mostHoldDays is as long as Exchange can hold what is in a mailbox for a number of days.
const mostHoldDays = 24_855

// Manager is the HandOverTo that names the leaver's manager.
const Manager = "manager"

// maxMessage is how long the text of an automatic reply may be, in characters.
const maxMessage = 10_000

// Given names the settings that are set.
func (s Settings) Given() []string {
	set := []struct {
		name  string
		isSet bool
	}{
		{SettingHandOverTo, s.HandOverTo != ""}, {SettingGroup, s.Group != ""}, {SettingAttributes, len(s.Attributes) > 0},
		{SettingInternalMessage, s.InternalMessage != ""}, {SettingExternalMessage, s.ExternalMessage != ""},
		{SettingAccess, len(s.Access) > 0}, {SettingProtocols, len(s.Protocols) > 0}, {SettingHoldDays, s.HoldDays != 0},
	}
	var names []string
	for _, setting := range set {
		if setting.isSet {
			names = append(names, setting.name)
		}
	}
	return names
}

// check refuses values that cannot be right, by the name of the field.
func (s Settings) check(field string) error {
	if s.Group != "" && uuid.Validate(s.Group) != nil {
		return fmt.Errorf("%s.%s: want the object id of a group", field, SettingGroup)
	}
	if slices.Contains(s.Attributes, "") {
		return fmt.Errorf("%s.%s: want names of properties of the user, such as jobTitle", field, SettingAttributes)
	}
	if s.HoldDays < 0 || s.HoldDays > mostHoldDays {
		return fmt.Errorf("%s.%s: want a number of days up to %d, or leave it out for a hold without an end", field, SettingHoldDays, mostHoldDays)
	}
	return cmp.Or(checkWords(field+"."+SettingAccess, s.Access, []string{AccessFull, AccessSendAs, AccessSendOnBehalf}),
		checkWords(field+"."+SettingProtocols, s.Protocols, MailProtocols()), checkSuccessor(field+"."+SettingHandOverTo, s.HandOverTo),
		checkMessage(field+"."+SettingInternalMessage, s.InternalMessage), checkMessage(field+"."+SettingExternalMessage, s.ExternalMessage))
}

// checkWords refuses a list with a word that is none of those that there are, or that stands in it twice.
func checkWords(field string, words, known []string) error {
	for i, word := range words {
		if !slices.Contains(known, word) || slices.Contains(words[:i], word) {
			return fmt.Errorf("%s: want each once of %s", field, strings.Join(known, ", "))
		}
	}
	return nil
}

func checkSuccessor(field, value string) error {
	if value == "" || value == Manager || CheckUserID(value) == nil {
		return nil
	}
	return fmt.Errorf("%s: want the object id or user principal name of who takes over, or %q", field, Manager)
}

// LeaverName and the others stand in the texts of an automatic reply for what Graph says when the reply is set.
const (
	LeaverName     = "{leaverName}"
	HandOverToName = "{handOverToName}"
	HandOverToMail = "{handOverToMail}"
)

// Placeholders are all that a text may hold.
func Placeholders() []string { return []string{LeaverName, HandOverToName, HandOverToMail} }

var inBraces = regexp.MustCompile(`\{\w*\}`)

func checkMessage(field, text string) error {
	for _, word := range inBraces.FindAllString(text, -1) {
		if !slices.Contains(Placeholders(), word) {
			return fmt.Errorf("%s: holds braces that are no placeholder, want %s", field, strings.Join(Placeholders(), ", "))
		}
	}
	if n := utf8.RuneCountInString(text); n > maxMessage {
		return fmt.Errorf("%s: has %d characters, want at most %d", field, n, maxMessage)
	}
	return nil
}
