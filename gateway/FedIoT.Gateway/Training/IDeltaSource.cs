namespace FedIoT.Gateway.Training;

/// <summary>Turns a device's samples into its delta of a round. Used by one task at a time.</summary>
public interface IDeltaSource
{
    /// <summary>Trains; deterministic in its argument.</summary>
    /// <returns>One int8 a weight in tensor order, -127 to 127, unit s/16.</returns>
    sbyte[] Train(DeviceTraining training);
}
