using System.Buffers.Binary;
using System.Text;
using FedIoT.Learning;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Gateway.Training;

/// <summary>One round's training of one device: everything that the resulting delta depends on.</summary>
/// <param name="Task">Published task.</param>
/// <param name="Round">From 1.</param>
/// <param name="Device">Whose samples.</param>
/// <param name="Master">Fixed-point model that training starts from.</param>
/// <param name="Samples">Labelled samples; label 0 is the first class.</param>
/// <param name="Standardisation">Constants from the chain.</param>
/// <param name="Residual">
/// Error feedback of the device, in delta units: what rounding dropped so far. Read and replaced.
/// </param>
public sealed record DeviceTraining(
    TaskSpecification Task,
    int Round,
    DeviceId Device,
    ReadOnlyMemory<int> Master,
    LabelledSamples Samples,
    Standardisation Standardisation,
    float[] Residual)
{
    /// <summary>
    /// Seed of this training: another one for every (task seed, device, round), the same on every run.
    /// </summary>
    public ulong Seed
    {
        get
        {
            Hash256 device = Hash256.Of(Encoding.ASCII.GetBytes(Device.Text));
            ulong stream = BinaryPrimitives.ReadUInt64BigEndian(device.ToArray());
            return SplitMix64.For(Task.Seed, unchecked(stream + (ulong)Round)).Next();
        }
    }
}
