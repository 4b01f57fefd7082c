package activities

import (
	"context"
	"strings"

	"github.com/leaver-dev/leaver"
	"github.com/leaver-dev/leaver/internal/graph"
)

// mailPhones are the devices that keep a copy of the leaver's mailbox. Exchange has them remove the account, and leave
// all else.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/clear-mobiledevice
var mailPhones = things{
	none: "no device has a copy of the mailbox that Exchange knows of",
	list: func(a *Activities, ctx context.Context, s subject) ([]leaver.Item, error) {
		owner, _, err := a.mailbox(ctx, s)
		if err != nil {
			return nil, err
		}
		phones, err := a.exchange.MobileDevices(ctx, owner)
		if err != nil {
			return nil, err
		}
		items := make([]leaver.Item, 0, len(phones))
		for _, phone := range phones {
			item := leaver.Item{ID: phone.GUID, Kind: "phone", Before: map[string]string{"clientType": graph.CodeOf(phone.Client)}}
			switch {
			case phone.GUID == "":
				item = unlistable(item.Kind)
			case phone.Status == "AccountOnlyDeviceWipeSucceeded":
				item = soAlready(item, "the device has removed the account")
			case phone.Status == "AccountOnlyDeviceWipePending":
				item = soAlready(item, "Exchange has the device remove the account when it next synchronises, which a device whose user is blocked may never do")
			case strings.HasPrefix(phone.Status, "DeviceWipe"):
				item.Outcome, item.Detail = leaver.Skipped, "somebody has the whole device wiped already"
			}
			items = append(items, item)
		}
		return items, nil
	},
	change: inMailbox(func(a *Activities, ctx context.Context, of graph.MailboxOwner, _ subject, item leaver.Item) error {
		return a.exchange.WipeMailFrom(ctx, of, item.ID)
	}),
	changed: "Exchange does not know the device any more",
}
