package devices

import "github.com/leaver-dev/leaver"

// beyond says of devices that are not Intune's to retire what takes them out.
var beyond = map[leaver.Special]string{
	leaver.CloudPC:              "a Cloud PC ends with its Windows 365 licence: take that away",
	leaver.ConfigurationManaged: "Configuration Manager manages it: remove it there",
	leaver.DefenderManaged:      "only Microsoft Defender for Endpoint knows it: offboard it there",
	leaver.ExchangeManaged:      "only Exchange ActiveSync knows it: remove it in Exchange",
}

// shared says of devices that others may use why a person is asked about them.
var shared = map[leaver.Special]string{
	leaver.OtherUser:        "Intune lists it for the leaver, and names somebody else as its user",
	leaver.SharedDevice:     "it is enrolled as a device for many users, or for none",
	leaver.EnrolmentManager: "an enrolment manager has enrolled it, and others may use it",
}

// harm says why an action must not be asked of a device, or "". Deleting the record of
// a corporate Android device resets it; that does no harm where the policy wants the
// device wiped.
//
// Microsoft: https://learn.microsoft.com/intune/intune-service/remote-actions/device-management
func (f *Fleet) harm(action leaver.DeviceAction, d *Device) string {
	if why := beyond[d.Special]; why != "" {
		return why
	}
	if action == leaver.WipeKeepUserData && !IsWindows(d.OperatingSystem) {
		return "user data can be kept on Windows only: choose wipe or retire"
	}
	if leaver.Platform(d.OperatingSystem) != "Android" {
		return ""
	}
	switch company, personal := d.OwnerType == "company", d.OwnerType == "personal"; {
	case action == leaver.Wipe && personal:
		return "a personal Android device has a work profile only, which Graph cannot wipe: choose retire"
	case action == leaver.Retire && company:
		return "retire is not supported for a corporate Android device: choose wipe"
	case action == leaver.DeleteRecord && company && f.planned(d) != leaver.Wipe:
		return "deleting the record of a corporate Android device resets it to factory settings: choose wipe if that is meant"
	case !company && !personal && (action == leaver.Wipe || action == leaver.DeleteRecord):
		return "Intune does not say whether this Android device is corporate or personal, and on one of them this does harm: set its owner in Intune, or choose retire"
	}
	return ""
}

// IsWindows reports whether an operating system, as Intune names it, is Windows.
func IsWindows(operatingSystem string) bool { return leaver.Platform(operatingSystem) == "Windows" }
