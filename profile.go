package leaver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// Profile is what the offboardings of one kind have in common, such as those of contractors. The configuration of the
// worker names profiles, and a request names one of them. What a request says itself comes before its profile.
type Profile struct {
	OnFailure      OnFailure     `json:"onFailure,omitzero"`
	HandOverTo     string        `json:"handOverTo,omitzero"`
	DeviceDeadline Duration      `json:"deviceDeadline,omitzero"`
	Devices        *DevicePolicy `json:"devices,omitempty"`
	// Steps are settings by step name, as those of a request.
	Steps map[string]StepSettings `json:"steps,omitempty"`
	// OwnSteps are steps by activities that are not of this module.
	OwnSteps []OwnStep `json:"ownSteps,omitempty"`
	// Notify says who is told about the offboardings.
	Notify Notify `json:"notify,omitzero"`
}

// OwnStep is a step of shape Single by an activity of anybody's worker, in any language. The activity takes a
// StepRequest and returns a StepResult, both as JSON.
type OwnStep struct {
	Name      string    `json:"name"`
	Activity  string    `json:"activity"`
	TaskQueue string    `json:"taskQueue"`
	After     []string  `json:"after,omitempty"`
	Summary   string    `json:"summary"`
	OnFailure OnFailure `json:"onFailure,omitzero"`
}

// DefaultProfile is the name of the profile of those requests that name none. Where there is no such profile, these
// have the steps alone that are not optional.
const DefaultProfile = "default"

// maxSummary is how long a summary may be, in bytes; Temporal keeps it with each activity.
const maxSummary = 200

// ParseProfiles reads profiles by name, from a JSON object, strictly. Its errors name the field.
func ParseProfiles(input []byte) (map[string]Profile, error) {
	var profiles map[string]Profile
	if err := ParseStrict(input, &profiles); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(profiles)) {
		if err := profiles[name].Check(name); err != nil {
			return nil, err
		}
	}
	return profiles, nil
}

// Check reports what is wrong with a profile, by the name of the field, which begins with prefix. Whether there are
// such steps, and whether these take such settings, is checked by the worker when it starts.
func (p Profile) Check(prefix string) error {
	err := cmp.Or(p.OnFailure.check(prefix+".onFailure"), checkSuccessor(prefix+".handOverTo", p.HandOverTo),
		checkDeadline(prefix+".deviceDeadline", p.DeviceDeadline), checkSteps(prefix+".steps", p.Steps), p.Notify.check(prefix+".notify"))
	if err == nil && p.Devices != nil {
		err = p.Devices.Check(prefix + ".devices")
	}
	for i, own := range p.OwnSteps {
		err = cmp.Or(err, own.check(fmt.Sprintf("%s.ownSteps.%d", prefix, i)))
	}
	return err
}

func (s OwnStep) check(field string) error {
	if slices.Contains([]string{s.Name, s.Activity, s.TaskQueue, s.Summary}, "") {
		return fmt.Errorf("%s: want a name, an activity, a taskQueue and a summary", field)
	}
	if len(s.Summary) > maxSummary || !utf8.ValidString(s.Summary) {
		return fmt.Errorf("%s.summary: want at most %d bytes", field, maxSummary)
	}
	return s.OnFailure.check(field + ".onFailure")
}

// Apply returns the request with what the profile says wherever the request says nothing itself.
func (p Profile) Apply(r Request) Request {
	r.OnFailure, r.HandOverTo = cmp.Or(r.OnFailure, p.OnFailure), cmp.Or(r.HandOverTo, p.HandOverTo)
	r.DeviceDeadline, r.Devices = cmp.Or(r.DeviceDeadline, p.DeviceDeadline), cmp.Or(r.Devices, p.Devices)
	steps := map[string]StepSettings{}
	maps.Copy(steps, p.Steps)
	for name, settings := range r.Steps {
		steps[name] = settings.over(p.Steps[name])
	}
	r.Steps = steps
	return r
}

// over returns the settings with those of below wherever there is none.
func (s StepSettings) over(below StepSettings) StepSettings {
	if !s.Skip && !s.Include {
		s.Skip, s.Include = below.Skip, below.Include
	}
	for _, list := range []struct{ own, below *[]string }{{&s.Attributes, &below.Attributes}, {&s.Access, &below.Access}, {&s.Protocols, &below.Protocols}} {
		if len(*list.own) == 0 {
			*list.own = *list.below
		}
	}
	s.HoldDays = cmp.Or(s.HoldDays, below.HoldDays)
	s.OnFailure, s.Delay = cmp.Or(s.OnFailure, below.OnFailure), cmp.Or(s.Delay, below.Delay)
	s.HandOverTo, s.Group = cmp.Or(s.HandOverTo, below.HandOverTo), cmp.Or(s.Group, below.Group)
	s.InternalMessage, s.ExternalMessage = cmp.Or(s.InternalMessage, below.InternalMessage), cmp.Or(s.ExternalMessage, below.ExternalMessage)
	return s
}
