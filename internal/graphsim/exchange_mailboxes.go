package graphsim

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/leaver-dev/leaver/internal/ascii"
)

func timeSpan(days int) string { return fmt.Sprintf("%d.00:00:00", days) }

// setExchangeMailbox changes what the parameters name, or nothing when it refuses one of them.
func (t *Tenant) setExchangeMailbox(given input, u *User) answer {
	changed, purpose := u.Delivery, u.MailboxPurpose
	for name, value := range given {
		flag, _ := value.(bool)
		text, _ := value.(string)
		switch name {
		case "Identity":
		case "Type":
			purpose = map[string]string{"Shared": "shared", "Regular": "user"}[text]
			if t.settings.ConversionDropsGrants {
				changed.FullAccess = nil
			}
		case "HiddenFromAddressListsEnabled":
			if u.OnPremisesSyncEnabled {
				return cmdletFault(http.StatusBadRequest, "BadRequest", "An Azure Active Directory call was made to keep object in sync between Azure Active Directory and Exchange Online. However, it failed. Detailed error message: Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.")
			}
			changed.Hidden = flag
		case "ForwardingAddress":
			to := t.recipient(text)
			if to == nil {
				return noRecipient(text)
			}
			changed.ForwardingAddress = to.ID
		case "ForwardingSmtpAddress":
			changed.ForwardingSMTPAddress = text
		case "DeliverToMailboxAndForward":
			changed.KeepsCopy = flag
		case "GrantSendOnBehalfTo":
			list, refused := t.changedList(value, changed.SendOnBehalf)
			if refused != "" {
				return noRecipient(refused)
			}
			changed.SendOnBehalf = list
		case "LitigationHoldEnabled":
			if changed.NoHold {
				// How Exchange words this is not known.
				return cmdletFault(http.StatusBadRequest, "BadRequest", "The mailbox can't be placed on litigation hold because it doesn't have the required license.")
			}
			changed.Hold = flag
		case "LitigationHoldDuration":
			days, _ := value.(float64)
			changed.HoldDays = int(days)
		default:
			return cmdletFault(http.StatusBadRequest, "BadRequest", "A parameter cannot be found that matches parameter name '"+name+"'.")
		}
	}
	if purpose == u.MailboxPurpose && reflect.DeepEqual(changed, u.Delivery) {
		return unchanged()
	}
	if purpose != u.MailboxPurpose {
		u.purposeBefore, u.convertedAt = u.MailboxPurpose, t.now()
	}
	u.Delivery, u.MailboxPurpose = changed, purpose
	return cmdletRows()
}

// shownPurpose is what Graph shows a mailbox to be for.
func (t *Tenant) shownPurpose(u *User) string {
	if t.shown().Before(u.convertedAt) {
		return u.purposeBefore
	}
	return u.MailboxPurpose
}

func (t *Tenant) getMailboxPermission(_ input, u *User) answer {
	rows := []any{map[string]any{"User": "NT AUTHORITY\\SELF", "AccessRights": []string{"FullAccess", "ReadPermission"}, "Deny": false, "IsInherited": false}}
	for _, name := range t.called("UserPrincipalName", u.Delivery.FullAccess) {
		rows = append(rows, map[string]any{"User": name, "AccessRights": []string{"FullAccess"}, "Deny": false, "IsInherited": false})
	}
	return cmdletRows(rows...)
}

func (t *Tenant) addMailboxPermission(given input, u *User) answer {
	return t.grant(given, "User", "FullAccess", &u.Delivery.FullAccess)
}

func (t *Tenant) getRecipientPermission(_ input, u *User) answer {
	rows := []any{map[string]any{"Trustee": "NT AUTHORITY\\SELF", "AccessRights": []string{"SendAs"}, "AccessControlType": "Allow"}}
	for _, name := range t.called("UserPrincipalName", u.Delivery.SendAs) {
		rows = append(rows, map[string]any{"Trustee": name, "AccessRights": []string{"SendAs"}, "AccessControlType": "Allow"})
	}
	return cmdletRows(rows...)
}

func (t *Tenant) addRecipientPermission(given input, u *User) answer {
	if given["Confirm"] != false {
		return cmdletFault(http.StatusBadRequest, "BadRequest", "The command needs a confirmation that nobody can give.")
	}
	return t.grant(given, "Trustee", "SendAs", &u.Delivery.SendAs)
}

func (t *Tenant) grant(given input, who, right string, to *[]string) answer {
	user := t.recipient(given.text(who))
	rights, _ := given["AccessRights"].([]any)
	switch {
	case user == nil:
		return noRecipient(given.text(who))
	case len(rights) != 1 || rights[0] != right:
		return cmdletFault(http.StatusBadRequest, "BadRequest", "The access right isn't valid.")
	case slices.Contains(*to, user.ID):
		return unchanged()
	}
	*to = append(slices.Clip(*to), user.ID)
	return cmdletRows()
}

// protocols are the switches of a mailbox, and what each is when the protocol is closed.
var protocols = map[string]bool{"ActiveSyncEnabled": false, "EwsEnabled": false, "ImapEnabled": false, "MAPIEnabled": false, "OWAEnabled": false, "PopEnabled": false, "SmtpClientAuthenticationDisabled": true}

func (t *Tenant) getCASMailbox(_ input, u *User) answer {
	row := map[string]any{"ExternalDirectoryObjectId": u.ID}
	for name, closed := range protocols {
		switch {
		case slices.Contains(u.Delivery.ClosedProtocols, name):
			row[name] = closed
		case name == "SmtpClientAuthenticationDisabled" || name == "EwsEnabled":
			row[name] = nil // as the organisation has it
		default:
			row[name] = !closed
		}
	}
	return cmdletRows(row)
}

func (t *Tenant) setCASMailbox(given input, u *User) answer {
	closed := slices.Clone(u.Delivery.ClosedProtocols)
	for name, value := range given {
		shut, known := protocols[name]
		switch {
		case name == "Identity":
		case !known:
			return cmdletFault(http.StatusBadRequest, "BadRequest", "A parameter cannot be found that matches parameter name '"+name+"'.")
		case value == shut && !slices.Contains(closed, name):
			closed = append(closed, name)
		case value != shut:
			closed = without(closed, func(c string) bool { return c == name })
		}
	}
	slices.Sort(closed)
	u.Delivery.ClosedProtocols = closed
	return cmdletRows()
}

func (t *Tenant) getMobileDevices(_ input, u *User) answer {
	var rows []any
	for _, phone := range u.Delivery.Phones {
		status := phone.Status
		if status == "" {
			status = "DeviceOk"
		}
		rows = append(rows, map[string]any{"Guid": phone.GUID, "Identity": u.names()["Name"].(string) + "\\ExchangeActiveSyncDevices\\" + phone.Client + "§" + phone.GUID,
			"ClientType": phone.Client, "Status": status, "DeviceFriendlyName": u.DisplayName + "'s phone"})
	}
	return cmdletRows(rows...)
}

// clearMobileDevice wipes a phone as a whole where it is not told to leave all but the account alone.
func (t *Tenant) clearMobileDevice(given input) answer {
	identity := given.text("Identity")
	for _, user := range t.users {
		for i := range user.Delivery.Phones {
			phone := &user.Delivery.Phones[i]
			switch {
			case !ascii.EqualFold(phone.GUID, identity):
				continue
			case given["AccountOnly"] != true:
				phone.Status, phone.Wiped = "DeviceWipePending", true
			case phone.Old:
				return cmdletFault(http.StatusBadRequest, "BadRequest", "The device uses a version of Exchange ActiveSync that isn't supported for an account only remote wipe. Version 16.1 or later is required.")
			default:
				phone.Status = "AccountOnlyDeviceWipePending"
			}
			return noContent
		}
	}
	return noRecipient(identity)
}
