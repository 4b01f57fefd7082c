package graph

import "context"

var (
	getClientAccess   = cmdlet{"Get-CASMailbox", ""}
	setClientAccess   = cmdlet{"Set-CASMailbox", ""}
	listMobileDevices = cmdlet{"Get-MobileDeviceStatistics", ""}
	clearMobileDevice = cmdlet{"Clear-MobileDevice", ""}
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

// ClosedProtocols reads which protocols of a mailbox are closed. SMTP that the mailbox says nothing of is as the
// organisation has it, and counts as open.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/get-casmailbox
func (e *Exchange) ClosedProtocols(ctx context.Context, of MailboxOwner) ([]MailProtocol, error) {
	access, err := oneRow[map[string]any](ctx, e, getClientAccess, of)
	if err != nil {
		return nil, err
	}
	var closed []MailProtocol
	for protocol := range switches {
		if is, told := access[switches[protocol].property].(bool); told && is == switches[protocol].closed {
			closed = append(closed, protocol)
		}
	}
	return closed, nil
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
