using CsCheck;
using FedIoT.Firmware.Device;
using FedIoT.Firmware.Logic.Board;
using FedIoT.Firmware.Tests.Gate;
using Xunit;

namespace FedIoT.Firmware.Tests.Device;

public class BootRecordTests
{
    [Fact]
    public void Reserve_BootAfterBoot_CountsAndAlternates()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Path + Path.DirectorySeparatorChar;

        uint[] ids = [.. Enumerable.Range(0, 5).Select(_ => BootStorage.Reserve(path, 1))];

        Assert.Equal([1u, 2, 3, 4, 5], ids);
        Assert.Equal(5u, BootRecord.Decode(File.ReadAllBytes(path + "boot-a.bin")));
        Assert.Equal(4u, BootRecord.Decode(File.ReadAllBytes(path + "boot-b.bin")));
    }

    [Fact]
    public void Next_WriteCutAnywhere_StillGrows() => Gen.Select(Gen.UInt[1, 1000], Gen.Int[0, 7], Gen.Bool).Sample(
        (last, cut, cutsFirst) =>
        {
            // The boot with id last + 1 was cut after some bytes of its record, in the file of last - 1.
            byte[] whole = BootRecord.Encode(last);
            byte[] torn = [.. BootRecord.Encode(last + 1).Take(cut)];
            uint next = BootRecord.Next(cutsFirst ? torn : whole, cutsFirst ? whole : torn, 1, out bool goesFirst);
            return next == last + 1 && goesFirst == cutsFirst;
        });

    [Fact]
    public void Decode_AnyFlippedBit_IsNotARecord() => Gen.Select(Gen.UInt, Gen.Int[0, 63]).Sample((value, bit) =>
    {
        byte[] record = BootRecord.Encode(value);
        bool isRead = BootRecord.Decode(record) == value;
        record[bit / 8] ^= (byte)(1 << (bit % 8));
        return isRead && BootRecord.Decode(record) == 0;
    });

    [Fact]
    public void Next_NothingThereOrAMinimum_StartsThere()
    {
        Assert.Equal(1u, BootRecord.Next(null, null, 1, out bool goesFirst));
        Assert.True(goesFirst);
        Assert.Equal(1u, BootRecord.Next([1], null, 1, out _)); // the very first write was cut
        Assert.Equal(900u, BootRecord.Next(null, BootRecord.Encode(5), 900, out goesFirst));
        Assert.True(goesFirst);
        Assert.Equal(901u, BootRecord.Next(BootRecord.Encode(900), BootRecord.Encode(5), 900, out goesFirst));
        Assert.False(goesFirst);
    }

    [Fact]
    public void Next_BothDamagedOrNoneLeft_Throws()
    {
        byte[] last = BootRecord.Encode(uint.MaxValue);

        Assert.Throws<InvalidOperationException>(() => BootRecord.Next([], new byte[8], 1, out _));
        Assert.Throws<InvalidOperationException>(() => BootRecord.Next(last, null, 1, out _));
        Assert.Equal(3u, BootRecord.Next([], new byte[8], 3, out _));
    }
}
