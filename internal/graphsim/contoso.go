package graphsim

import (
	"time"

	"github.com/leaver-dev/leaver"
)

// Leaver is the user principal name of the sample leaver in Contoso.
const Leaver = "adele@contoso.com"

// Contoso is a sample tenant: Adele leaves, with four devices of which the
// last checks in after checkIn; Megan stays; one guest.
func Contoso(checkIn time.Duration) []User {
	after := func(quarters time.Duration) leaver.Duration { return leaver.Duration(checkIn * quarters / 4) }
	return []User{
		{UserPrincipalName: Leaver, DisplayName: "Adele Vance", AccountEnabled: true, Devices: []Device{
			{Name: "CONTOSO-LT-0417", OperatingSystem: "Windows", CheckIn: after(1), RecoveryKey: true},
			{Name: "Adele's iPhone", OperatingSystem: "iOS", OwnerType: "personal", CheckIn: after(2)},
			{Name: "Pixel of Adele", OperatingSystem: "Android", OwnerType: "personal", CheckIn: after(3)},
			{Name: "CONTOSO-MB-0012", OperatingSystem: "macOS", CheckIn: after(4)},
		}},
		{UserPrincipalName: "megan@contoso.com", DisplayName: "Megan Bowen", AccountEnabled: true, Devices: []Device{
			{Name: "CONTOSO-LT-0418", OperatingSystem: "Windows", CheckIn: after(1)},
		}},
		{UserPrincipalName: "alex_example.com#EXT#@contoso.onmicrosoft.com", DisplayName: "Alex Wilber", UserType: "Guest", AccountEnabled: true},
	}
}
