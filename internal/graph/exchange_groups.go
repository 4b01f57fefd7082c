package graph

import (
	"context"
	"strings"
)

var (
	listRecipients           = cmdlet{name: "Get-Recipient"}
	removeDistributionMember = cmdlet{name: "Remove-DistributionGroupMember"}
	setDistributionGroup     = cmdlet{name: "Set-DistributionGroup"}
)

// distributionGroups are the groups whose members Exchange keeps.
var distributionGroups = []string{"MailUniversalDistributionGroup", "MailUniversalSecurityGroup"}

// DistributionGroups lists the distribution groups, and the mail-enabled security groups, that a recipient is a direct
// member of, and those that it manages.
//
// Microsoft: https://learn.microsoft.com/powershell/exchange/recipient-filters
func (e *Exchange) DistributionGroups(ctx context.Context, of Recipient) (member, manages []Recipient, err error) {
	if of.DistinguishedName == "" {
		return nil, nil, &AnswerError{Call: listRecipients.name, Why: "the answer lacks the distinguished name"}
	}
	having := func(property string) ([]Recipient, error) {
		filter := property + " -eq '" + strings.ReplaceAll(of.DistinguishedName, "'", "''") + "'"
		return reads[Recipient](ctx, e, listRecipients, organisation, parameters{"Filter": filter, "RecipientTypeDetails": distributionGroups, "ResultSize": "Unlimited"})
	}
	if member, err = having("Members"); err == nil {
		manages, err = having("ManagedBy")
	}
	return member, manages, err
}

// RemoveFromDistributionGroup removes a recipient from a distribution group, whose GUID Exchange has given.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/remove-distributiongroupmember
func (e *Exchange) RemoveFromDistributionGroup(ctx context.Context, group, memberID string) error {
	if err := removeDistributionMember.names(group, memberID); err != nil {
		return err
	}
	return e.run(ctx, removeDistributionMember, organisation, parameters{"Identity": group, "Member": memberID, "BypassSecurityGroupManagerCheck": true, "Confirm": false})
}

// HandOverDistributionGroup ends that a recipient manages a distribution group, and has another one do so, unless that
// is empty.
//
// Microsoft: https://learn.microsoft.com/powershell/module/exchangepowershell/set-distributiongroup
func (e *Exchange) HandOverDistributionGroup(ctx context.Context, group, from, to string) error {
	change := map[string]any{"@odata.type": "#Exchange.GenericHashTable", "remove": []string{from}}
	ids := []string{group, from}
	if to != "" {
		change["add"], ids = []string{to}, append(ids, to)
	}
	if err := setDistributionGroup.names(ids...); err != nil {
		return err
	}
	return e.run(ctx, setDistributionGroup, organisation, parameters{"Identity": group, "BypassSecurityGroupManagerCheck": true, "ManagedBy": change})
}
