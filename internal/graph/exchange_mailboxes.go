package graph

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/leaver-dev/leaver/internal/ascii"
)

var (
	getRecipient         = cmdlet{name: "Get-Recipient"}
	getExchangeMailbox   = cmdlet{name: "Get-Mailbox", endpoint: "Mailbox"}
	setMailbox           = cmdlet{name: "Set-Mailbox"}
	setSendOnBehalf      = cmdlet{name: "Set-Mailbox", endpoint: "Mailbox", all: true} // all that the preview sets of a mailbox
	getMailboxPermission = cmdlet{name: "Get-MailboxPermission"}
	addMailboxPermission = cmdlet{name: "Add-MailboxPermission"}
	getSendAs            = cmdlet{name: "Get-RecipientPermission"}
	addSendAs            = cmdlet{name: "Add-RecipientPermission"}
)

// Recipient is somebody or something that Exchange can deliver mail to, by all names that Exchange may use.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/get-recipient
type Recipient struct {
	// ObjectID is that of the user or group in Entra.
	ObjectID string `json:"ExternalDirectoryObjectId"`
	// Type is UserMailbox, SharedMailbox, MailUniversalDistributionGroup, or another word.
	Type               string `json:"RecipientTypeDetails"`
	Identity           string `json:"Identity"`
	Name               string `json:"Name"`
	GUID               string `json:"Guid"`
	DistinguishedName  string `json:"DistinguishedName"`
	UserPrincipalName  string `json:"UserPrincipalName"`
	PrimarySMTPAddress string `json:"PrimarySmtpAddress"`
	DisplayName        string `json:"DisplayName"`
	// ManagedBy are those who manage a group, by one of each recipient's names.
	ManagedBy words `json:"ManagedBy"`
	// IsDirSynced says that Active Directory owns the recipient.
	IsDirSynced bool `json:"IsDirSynced"`
}

// Goes reports whether Exchange means this recipient by a name. Exchange answers with another one of a recipient's
// names than it was given. A display name and an alias are none of them: those of one may be another's name.
func (r Recipient) Goes(by string) bool {
	by = by[strings.LastIndex(by, "/")+1:] // a canonical name ends with the name
	return by != "" && slices.ContainsFunc([]string{r.ObjectID, r.Identity, r.Name, r.GUID, r.DistinguishedName, r.UserPrincipalName, r.PrimarySMTPAddress},
		func(name string) bool { return ascii.EqualFold(name, by) })
}

// words is a list that Exchange may write as one text, with commas between them.
type words []string

func (w *words) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) != nil {
		return json.Unmarshal(text, (*[]string)(w))
	}
	*w = nil
	for _, word := range strings.Split(one, ",") {
		if word = strings.TrimSpace(word); word != "" {
			*w = append(*w, word)
		}
	}
	return nil
}

// ExchangeMailbox is a mailbox as Exchange tells of it.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/get-mailbox
type ExchangeMailbox struct {
	Recipient
	Hidden bool `json:"HiddenFromAddressListsEnabled"`
	// ForwardingAddress is a recipient of the organisation, by one of its names, and ForwardingSMTPAddress any address;
	// the first counts where both are set.
	ForwardingAddress     string `json:"ForwardingAddress"`
	ForwardingSMTPAddress string `json:"ForwardingSmtpAddress"`
	KeepsCopy             bool   `json:"DeliverToMailboxAndForward"`
	SendOnBehalf          words  `json:"GrantSendOnBehalfTo"` // by one of each recipient's names
	LitigationHold        bool   `json:"LitigationHoldEnabled"`
	// LitigationHoldDuration is a .NET time span, such as 365.00:00:00, or Unlimited.
	LitigationHoldDuration string `json:"LitigationHoldDuration"`
	// ArchiveStatus is None where the mailbox has no archive.
	ArchiveStatus string `json:"ArchiveStatus"`
}

// Mailbox reads a mailbox. A user without one is an Error with status 404; the mailbox of
// another user is ErrOtherUser.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/get-mailbox
func (e *Exchange) Mailbox(ctx context.Context, of MailboxOwner) (ExchangeMailbox, error) {
	mailbox, err := oneRow[ExchangeMailbox](ctx, e, getExchangeMailbox, of)
	if err == nil && !ascii.EqualFold(mailbox.ObjectID, of.UserID) {
		return ExchangeMailbox{}, ErrOtherUser
	}
	return mailbox, err
}

// Recipient reads a recipient, by the object id of the user or group. Another recipient is ErrOtherUser.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/get-recipient
func (e *Exchange) Recipient(ctx context.Context, objectID string) (Recipient, error) {
	recipient, err := oneRow[Recipient](ctx, e, getRecipient, MailboxOwner{UserID: objectID})
	if err == nil && !ascii.EqualFold(recipient.ObjectID, objectID) {
		return Recipient{}, ErrOtherUser
	}
	return recipient, err
}

// ConvertToShared makes a mailbox a shared one, which needs no licence up to 50 GB.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailbox
func (e *Exchange) ConvertToShared(ctx context.Context, of MailboxOwner) error {
	return e.change(ctx, setMailbox, of, parameters{"Type": "Shared"})
}

// HideFromAddressLists takes a mailbox out of the organisation's address lists.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailbox
func (e *Exchange) HideFromAddressLists(ctx context.Context, of MailboxOwner) error {
	return e.change(ctx, setMailbox, of, parameters{"HiddenFromAddressListsEnabled": true})
}

// ForwardMail has a mailbox forward what it gets to another user's, and keep a copy. An address outside to which it was
// forwarded before is removed.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailbox
func (e *Exchange) ForwardMail(ctx context.Context, of MailboxOwner, to string) error {
	if err := setMailbox.names(to); err != nil {
		return err
	}
	return e.change(ctx, setMailbox, of, parameters{"ForwardingAddress": to, "ForwardingSmtpAddress": nil, "DeliverToMailboxAndForward": true})
}

// HoldMailbox puts a mailbox on litigation hold for a number of days from when each item was created; zero means
// without an end.
//
// Microsoft: https://learn.microsoft.com/purview/ediscovery-create-a-litigation-hold
func (e *Exchange) HoldMailbox(ctx context.Context, of MailboxOwner, days int) error {
	var duration any = "Unlimited"
	if days > 0 {
		duration = days
	}
	return e.change(ctx, setMailbox, of, parameters{"LitigationHoldEnabled": true, "LitigationHoldDuration": duration})
}

// GrantSendOnBehalf lets another user send on behalf of a mailbox. Those who may already still may.
//
// Microsoft: https://learn.microsoft.com/exchange/reference/admin-api-mailbox-overview
func (e *Exchange) GrantSendOnBehalf(ctx context.Context, of MailboxOwner, to string) error {
	if err := setSendOnBehalf.names(to); err != nil {
		return err
	}
	return e.change(ctx, setSendOnBehalf, of, parameters{"GrantSendOnBehalfTo": map[string]any{"@odata.type": "#Exchange.GenericHashTable", "add": []string{to}}})
}

// MailboxPermission is what somebody may do in a mailbox.
type MailboxPermission struct {
	// User is who may, by one of the recipient's names.
	User   string `json:"User"`
	Rights words  `json:"AccessRights"`
	// Deny is whether the rights are denied. What is neither true nor false is no grant.
	Deny json.RawMessage `json:"Deny"`
}

// Allows reports whether the permission grants a right.
func (p MailboxPermission) Allows(right string) bool {
	denies := string(p.Deny)
	return (denies == "" || denies == "false" || denies == "null") && slices.Contains(p.Rights, right)
}

// MailboxPermissions lists who may do what in a mailbox.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/get-mailboxpermission
func (e *Exchange) MailboxPermissions(ctx context.Context, of MailboxOwner) ([]MailboxPermission, error) {
	return rows[MailboxPermission](ctx, e, getMailboxPermission, of)
}

// GrantFullAccess lets another user open a mailbox; it is not added to the user's Outlook by itself.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/add-mailboxpermission
func (e *Exchange) GrantFullAccess(ctx context.Context, of MailboxOwner, to string) error {
	if err := addMailboxPermission.names(to); err != nil {
		return err
	}
	return e.change(ctx, addMailboxPermission, of, parameters{"User": to, "AccessRights": []string{"FullAccess"}, "AutoMapping": false})
}

// SendAsPermission is that somebody may send as a mailbox.
type SendAsPermission struct {
	// User is who may, by one of the recipient's names.
	User   string `json:"Trustee"`
	Rights words  `json:"AccessRights"`
	// Control is Allow or Deny.
	Control string `json:"AccessControlType"`
}

// SendAsPermissions lists who may send as a mailbox.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/get-recipientpermission
func (e *Exchange) SendAsPermissions(ctx context.Context, of MailboxOwner) ([]SendAsPermission, error) {
	return rows[SendAsPermission](ctx, e, getSendAs, of)
}

// GrantSendAs lets another user send as a mailbox.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/add-recipientpermission
func (e *Exchange) GrantSendAs(ctx context.Context, of MailboxOwner, to string) error {
	if err := addSendAs.names(to); err != nil {
		return err
	}
	return e.change(ctx, addSendAs, of, parameters{"Trustee": to, "AccessRights": []string{"SendAs"}, "Confirm": false})
}
