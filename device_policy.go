package leaver

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// DevicePolicy says what is done with a leaver's devices. Its zero value
// retires them all.
type DevicePolicy struct {
	// Company is for company-owned devices, Personal for all others.
	Company  DeviceActions `json:"company,omitzero"`
	Personal DeviceActions `json:"personal,omitzero"`
	// RequireRecoveryKey leaves a Windows device to a person that is to be retired
	// or wiped and for which no BitLocker recovery key is on record.
	RequireRecoveryKey bool `json:"requireRecoveryKey,omitzero"`
	// WipeOptions is what each wipe is made with.
	WipeOptions WipeOptions `json:"wipeOptions,omitzero"`
}

// WipeOptions are parameters of a wipe. The code that unlocks a Mac is a secret, and is set
// where the worker runs.
//
// Microsoft: https://learn.microsoft.com/graph/api/intune-devices-manageddevice-wipe
type WipeOptions struct {
	// KeepEnrollmentData keeps a Windows device enrolled.
	KeepEnrollmentData bool `json:"keepEnrollmentData,omitzero"`
	// PersistEsimDataPlan keeps the eSIM's data plan of an iPhone or iPad.
	PersistEsimDataPlan bool `json:"persistEsimDataPlan,omitzero"`
}

// DeviceActions is what to do by operating system; where one is missing,
// Default says, and where that is missing too, the device is retired.
type DeviceActions struct {
	Default  DeviceAction `json:"default,omitzero"`
	Windows  DeviceAction `json:"windows,omitzero"`
	MacOS    DeviceAction `json:"macOS,omitzero"`
	IOS      DeviceAction `json:"iOS,omitzero"` // and iPadOS
	Android  DeviceAction `json:"android,omitzero"`
	Linux    DeviceAction `json:"linux,omitzero"`
	ChromeOS DeviceAction `json:"chromeOS,omitzero"`
}

// For returns what is to be done with a device, by its owner type and operating
// system as Graph words them.
func (p DevicePolicy) For(ownerType, operatingSystem string) DeviceAction {
	actions := p.Personal
	if ownerType == "company" {
		actions = p.Company
	}
	return cmp.Or(actions.on(operatingSystem), actions.Default, Retire)
}

// Platform is an operating system as Microsoft writes it, by the name that Graph gives
// for a device, or "". Graph's names vary with how a device was enrolled, such as
// AndroidForWork.
func Platform(operatingSystem string) string {
	name := strings.ToLower(strings.ReplaceAll(operatingSystem, " ", ""))
	for _, platform := range []string{"Windows", "macOS", "iOS", "iPadOS", "Android", "Linux", "Chrome"} {
		if strings.HasPrefix(name, strings.ToLower(platform)) {
			return platform
		}
	}
	return ""
}

func (a DeviceActions) on(operatingSystem string) DeviceAction {
	return map[string]DeviceAction{"Windows": a.Windows, "macOS": a.MacOS, "iOS": a.IOS, "iPadOS": a.IOS,
		"Android": a.Android, "Linux": a.Linux, "Chrome": a.ChromeOS}[Platform(operatingSystem)]
}

// RetiresAll reports whether every device is to be retired, whatever it is, so
// that the one action for all does it.
func (p DevicePolicy) RetiresAll() bool {
	return !slices.ContainsFunc(p.all(), func(a namedAction) bool { return a.value != "" && a.value != Retire })
}

// Destroys reports whether a device may be wiped, or its record deleted.
func (p DevicePolicy) Destroys() bool {
	return slices.ContainsFunc(p.all(), func(a namedAction) bool { return Choice(a.value).Destroys() })
}

// Check refuses actions that do not exist. Its errors name the field below the
// given one.
func (p DevicePolicy) Check(field string) error {
	for _, action := range p.all() {
		if !slices.Contains([]DeviceAction{"", Retire, Wipe, WipeKeepUserData, DeleteRecord, Keep}, action.value) {
			return fmt.Errorf("%s.%s: want retire, wipe, wipeKeepUserData, deleteRecord or keep", field, action.name)
		}
	}
	return nil
}

type namedAction struct {
	name  string
	value DeviceAction
}

func (p DevicePolicy) all() []namedAction {
	return slices.Concat(p.Company.all("company."), p.Personal.all("personal."))
}

func (a DeviceActions) all(owner string) []namedAction {
	return []namedAction{{owner + "default", a.Default}, {owner + "windows", a.Windows}, {owner + "macOS", a.MacOS}, {owner + "iOS", a.IOS},
		{owner + "android", a.Android}, {owner + "linux", a.Linux}, {owner + "chromeOS", a.ChromeOS}}
}
