using FedIoT.Ledger.Events;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>Gateways and their devices.</summary>
internal static class RegistryRules
{
    public static RejectionReason? Apply(BlockExecution block, RegisterGateway register)
    {
        NodeKeyRecord? used = block.FindKey(register.NodeKey.Account);
        if (used is { IsInForce: false })
        {
            return RejectionReason.NodeKeyUsed;
        }

        Account? known = used is null ? null : block.FindAccount(used.Account);
        if (known is not null && known.Has(AccountRoles.Gateway))
        {
            return RejectionReason.GatewayExists;
        }

        if (block.GatewayCount >= LedgerLimits.GatewaysMax)
        {
            return RejectionReason.TooManyGateways;
        }

        Account account = known ?? new Account(register.NodeKey, AccountRoles.None, 0);
        block.Put(account with { Roles = account.Roles | AccountRoles.Gateway });
        block.Emit(new GatewayRegistered(account.Id));
        return null;
    }

    public static RejectionReason? Apply(BlockExecution block, Account signer, RegisterDevice register)
    {
        if (block.FindDevice(register.Device) is not null)
        {
            return RejectionReason.DeviceExists;
        }

        if (block.DeviceCount >= LedgerLimits.DevicesMax)
        {
            return RejectionReason.TooManyDevices;
        }

        block.Put(new Device(register.Device, signer.Id, Device.ReputationStart, Points: 0));
        block.Put(signer with { DeviceCount = signer.DeviceCount + 1 });
        block.Emit(new DeviceRegistered(register.Device, signer.Id));
        return null;
    }
}
