package leaver

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Request asks for the offboarding of one user. Only UserID is needed.
type Request struct {
	// UserID is the leaver's object id or user principal name.
	UserID string `json:"userId"`
	// DryRun plans and stops: the report shows what would be done.
	DryRun bool `json:"dryRun,omitzero"`
	// Profile names one of the worker's profiles. What the request says itself comes before what the profile says.
	Profile string `json:"profile,omitzero"`
	// OnFailure is what to do when a step cannot succeed by waiting. The
	// default is Ask.
	OnFailure OnFailure `json:"onFailure,omitzero"`
	// Steps changes single steps, by step name.
	Steps map[string]StepSettings `json:"steps,omitempty"`
	// DeviceDeadline is how long devices may take to leave management before a
	// person is asked, such as "720h". The default is the worker's.
	DeviceDeadline Duration `json:"deviceDeadline,omitzero"`
	// HandOverTo is who takes over what the leaver has, where the settings of a step do not say: an object id, a user
	// principal name, or "manager", which is the default.
	HandOverTo string `json:"handOverTo,omitzero"`
	// Reason and Ticket say why, for the second administrator who is to approve what
	// is asked of devices (Intune's Multi Admin Approval). They are stored in clear.
	Reason string `json:"reason,omitzero"`
	Ticket string `json:"ticket,omitzero"`
	// Devices says what to do with the devices. The default is the worker's,
	// which is to retire them all.
	Devices *DevicePolicy `json:"devices,omitempty"`
}

// StepSettings changes one step of a plan.
type StepSettings struct {
	// Skip leaves the step out.
	Skip bool `json:"skip,omitzero"`
	// Include puts a step into the plan that is off unless asked for.
	Include bool `json:"include,omitzero"`
	// OnFailure takes precedence over the request's.
	OnFailure OnFailure `json:"onFailure,omitzero"`
	// Delay is how long the step waits after those steps have ended that it comes after, such as "720h".
	Delay Duration `json:"delay,omitzero"`
	Settings
}

// OnFailure is what to do when a step cannot succeed by waiting.
type OnFailure string

const (
	// Ask waits for a person to retry the step, skip it, or abort. The default.
	Ask OnFailure = "ask"
	// Continue goes on with the other steps; the offboarding ends incomplete.
	Continue OnFailure = "continue"
	// Fail starts no further step and ends incomplete.
	Fail OnFailure = "fail"
)

// Duration is a time span that JSON and environment variables write as Go
// does: "90s", "720h".
type Duration time.Duration

var errDuration = errors.New(`want a duration such as "90s" or "720h"`)

// MarshalText writes d as time.Duration.String does.
func (d Duration) MarshalText() ([]byte, error) {
	return []byte(time.Duration(d).String()), nil
}

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return errDuration
	}
	*d = Duration(parsed)
	return nil
}

// maxUserID is generous: Entra allows 113 characters in a user principal name,
// and guests' names carry a second domain.
const maxUserID = 256

// minDeviceDeadline keeps a slip of the unit ("30s" for 30 days) from turning
// every device into a question; tests and the demo stay above it.
const minDeviceDeadline = time.Second

// MaxDeviceDeadline is the longest that devices may be waited for: it keeps what is added to a deadline from wrapping around.
const MaxDeviceDeadline = 10 * 365 * 24 * time.Hour

// maxJustification is what Intune takes, in characters.
//
// Microsoft: https://learn.microsoft.com/intune/intune-service/fundamentals/multi-admin-approval
const maxJustification = 1024

// Justification is what a second administrator is told.
func (r Request) Justification() string {
	text := "Offboarding of a leaver"
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	if r.Ticket != "" {
		text += " (ticket " + r.Ticket + ")"
	}
	return text
}

// ParseRequest reads a request strictly: unknown and repeated fields, wrong
// types and values that could mean another user are refused. Every error is an
// InvalidRequest failure that names the field.
func ParseRequest(input []byte) (Request, error) {
	var request Request
	err := ParseStrict(input, &request)
	if err == nil {
		err = request.check()
	}
	if err != nil {
		return Request{}, Failure{Type: InvalidRequest, Message: err.Error()}.Err()
	}
	return request, nil
}

func (r Request) check() error {
	if err := cmp.Or(CheckUserID(r.UserID), r.OnFailure.check("onFailure"), checkSteps("steps", r.Steps)); err != nil {
		return err
	}
	if err := cmp.Or(checkText("reason", r.Reason), checkText("ticket", r.Ticket), checkSuccessor("handOverTo", r.HandOverTo)); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(r.Justification()); n > maxJustification {
		return fmt.Errorf("reason, ticket: are %d characters too long together: Intune takes %d", n-maxJustification, maxJustification)
	}
	if r.Devices != nil {
		if err := r.Devices.Check("devices"); err != nil {
			return err
		}
	}
	return checkDeadline("deviceDeadline", r.DeviceDeadline)
}

// checkSteps refuses what cannot be right of the settings of steps.
func checkSteps(field string, steps map[string]StepSettings) error {
	for _, name := range slices.Sorted(maps.Keys(steps)) {
		settings, field := steps[name], field+"."+name
		if err := cmp.Or(settings.OnFailure.check(field+".onFailure"), settings.check(field)); err != nil {
			return err
		}
		if d := time.Duration(settings.Delay); d < 0 || d > MaxDeviceDeadline {
			return fmt.Errorf("%s.delay: is %s, want at most %s, for example \"720h\"", field, d, MaxDeviceDeadline)
		}
		if settings.Skip && settings.Include {
			return fmt.Errorf("%s: skip and include exclude each other", field)
		}
	}
	return nil
}

func checkDeadline(field string, deadline Duration) error {
	switch d := time.Duration(deadline); {
	case d != 0 && d < minDeviceDeadline:
		return fmt.Errorf("%s: is %s, want at least %s, for example \"720h\"", field, d, minDeviceDeadline)
	case d > MaxDeviceDeadline:
		return fmt.Errorf("%s: is %s, want at most %s, for example \"720h\"", field, d, MaxDeviceDeadline)
	}
	return nil
}

func (f OnFailure) check(field string) error {
	if slices.Contains([]OnFailure{"", Ask, Continue, Fail}, f) {
		return nil
	}
	return fmt.Errorf("%s: want ask, continue or fail", field)
}

// CheckUserID refuses what cannot be an object id or user principal name, or
// could lead a request's path elsewhere. Its errors never repeat the value.
func CheckUserID(id string) error {
	switch {
	case id == "":
		return errors.New("userId: is missing, want the user's object id or user principal name")
	case !utf8.ValidString(id):
		return errors.New("userId: is not valid UTF-8")
	case utf8.RuneCountInString(id) > maxUserID:
		return fmt.Errorf("userId: is longer than %d characters", maxUserID)
	case id == "." || id == "..":
		return errors.New("userId: must not be a relative path")
	}
	for _, r := range id {
		switch {
		case strings.ContainsRune(`/\?`, r):
			return fmt.Errorf("userId: must not contain %q", r)
		case r == ' ' || !unicode.IsPrint(r):
			return fmt.Errorf("userId: must not contain white space or control characters (%U)", r)
		}
	}
	return nil
}

// ParseStrict decodes one JSON object and refuses unknown and repeated fields.
// Its errors name the field and never repeat a value.
func ParseStrict(input []byte, into any) error {
	if trimmed := bytes.TrimSpace(input); len(trimmed) == 0 || bytes.Equal(trimmed, []byte("null")) {
		input = []byte("{}")
	}
	err := jsonv2.Unmarshal(input, into, jsonv2.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the input is not valid JSON: it ends too early")
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("%s: is given twice", field(syntax.JSONPointer))
		}
		return fmt.Errorf("the input is not valid JSON, at byte %d", syntax.ByteOffset)
	}
	semantic, ok := errors.AsType[*jsonv2.SemanticError](err)
	if !ok {
		return errors.New("the input cannot be read")
	}
	name := field(semantic.JSONPointer)
	switch {
	case errors.Is(err, jsonv2.ErrUnknownName):
		return fmt.Errorf("%s: unknown field", name)
	case semantic.JSONPointer == "":
		return errors.New("the input must be one JSON object")
	case semantic.GoType == reflect.TypeFor[Duration]():
		return fmt.Errorf("%s: %w", name, errDuration)
	}
	return fmt.Errorf("%s: has the wrong type (%s)", name, kinds.Replace(semantic.JSONKind.String()))
}

// kinds names the kinds of JSON values that jsontext shows as they begin.
var kinds = strings.NewReplacer("{", "object", "[", "array")

func field(pointer jsontext.Pointer) string {
	return strings.Join(slices.Collect(pointer.Tokens()), ".")
}
