package graph

import (
	"context"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	getClientAccess   = cmdlet{name: "Get-CASMailbox"}
	setClientAccess   = cmdlet{name: "Set-CASMailbox"}
	listMobileDevices = cmdlet{name: "Get-MobileDeviceStatistics"}
	clearMobileDevice = cmdlet{name: "Clear-MobileDevice"}
)

// MailProtocol is a way by which a program reaches a mailbox.
type MailProtocol string

// The protocols that can be closed.
const (
	ActiveSync MailProtocol = "activeSync"
	EWS        MailProtocol = "ews"
	IMAP       MailProtocol = "imap"
	MAPI       MailProtocol = "mapi"
	OWA        MailProtocol = "owa"
	POP        MailProtocol = "pop"
	// SMTP is what programs send with that sign in (SMTP AUTH).
	SMTP MailProtocol = "smtp"
)

// switches are the parameters, and the properties, by which a protocol is closed, and what each is then.
var switches = map[MailProtocol]struct {
	property string
	closed   bool
}{
	ActiveSync: {"ActiveSyncEnabled", false}, EWS: {"EwsEnabled", false}, IMAP: {"ImapEnabled", false}, MAPI: {"MAPIEnabled", false},
	OWA: {"OWAEnabled", false}, POP: {"PopEnabled", false}, SMTP: {"SmtpClientAuthenticationDisabled", true},
}

// ProtocolState is how a protocol of a mailbox is.
type ProtocolState string

const (
	ProtocolOpen   ProtocolState = "open"
	ProtocolClosed ProtocolState = "closed"
	// ProtocolByOrganization is a protocol that the mailbox says nothing of: it is as the organisation has it.
	ProtocolByOrganization ProtocolState = "as the organisation has it"
)

// ProtocolStates reads how the protocols of a mailbox are.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/get-casmailbox
func (e *Exchange) ProtocolStates(ctx context.Context, of MailboxOwner) (map[MailProtocol]ProtocolState, error) {
	access, err := oneRow[map[string]any](ctx, e, getClientAccess, of)
	if err != nil {
		return nil, err
	}
	states := map[MailProtocol]ProtocolState{}
	for protocol, by := range switches {
		states[protocol] = ProtocolByOrganization
		for property, value := range access {
			if is, told := value.(bool); told && ascii.EqualFold(property, by.property) {
				states[protocol] = map[bool]ProtocolState{true: ProtocolClosed, false: ProtocolOpen}[is == by.closed]
			}
		}
	}
	return states, nil
}

// CloseProtocol closes a protocol of a mailbox, for everybody who opens it.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/set-casmailbox
func (e *Exchange) CloseProtocol(ctx context.Context, of MailboxOwner, protocol MailProtocol) error {
	return e.change(ctx, setClientAccess, of, parameters{switches[protocol].property: switches[protocol].closed})
}

// MobileDevice is a phone or a tablet, or a program on one, that keeps a copy of a mailbox.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/get-mobiledevicestatistics
type MobileDevice struct {
	GUID string `json:"Guid"`
	// Client is EAS, Outlook, REST, or another word.
	Client string `json:"ClientType"`
	// Status is DeviceOk, AccountOnlyDeviceWipePending, AccountOnlyDeviceWipeSucceeded, or another word.
	Status string `json:"Status"`
}

// MobileDevices lists what keeps a copy of a mailbox.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/get-mobiledevicestatistics
func (e *Exchange) MobileDevices(ctx context.Context, of MailboxOwner) ([]MobileDevice, error) {
	if err := listMobileDevices.names(of.UserID); err != nil {
		return nil, err
	}
	return reads[MobileDevice](ctx, e, listMobileDevices, of, parameters{"Mailbox": of.UserID})
}

// WipeMailFrom has a device remove the mailbox that it keeps a copy of, by the device's GUID. It is never the device
// that is wiped: without AccountOnly, Exchange would have it reset to how it left the factory.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/clear-mobiledevice
func (e *Exchange) WipeMailFrom(ctx context.Context, of MailboxOwner, device string) error {
	if err := clearMobileDevice.names(device); err != nil {
		return err
	}
	return e.run(ctx, clearMobileDevice, of, parameters{"Identity": device, "AccountOnly": true, "Confirm": false})
}
