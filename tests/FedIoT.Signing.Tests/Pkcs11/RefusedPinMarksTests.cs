using FedIoT.Signing.Pkcs11;
using Xunit;

namespace FedIoT.Signing.Tests.Pkcs11;

/// <summary>What is remembered of a refused PIN over the end of a process, and what is not.</summary>
public sealed class RefusedPinMarksTests : IDisposable
{
    private const string Token = "maker/0001/t1";
    private readonly string folder = Directory.CreateTempSubdirectory("fediot-marks-").FullName;

    private RefusedPinMarks Marks => new(Path.Combine(folder, "made", "later"));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Has_PinThatThisTokenRefused_IsTrueForThatPinAndTokenOnly()
    {
        Assert.False(Marks.Has(Token, "1111"u8));
        Marks.Add(Token, "1111"u8);
        Marks.Add(Token, "canary-2222"u8);
        Assert.True(Marks.Has(Token, "1111"u8));
        Assert.True(Marks.Has(Token, "canary-2222"u8));
        Assert.False(Marks.Has("maker/0002/t1", "1111"u8));
        Marks.Forget(Token);
        Assert.False(Marks.Has(Token, "1111"u8));
        Marks.Forget(Token); // nothing there
    }

    [Fact]
    public void Has_OtherPins_AreTakenForARefusedOneOnceIn256()
    {
        Marks.Add(Token, "1111"u8);
        byte[][] others = [.. Enumerable.Range(2000, 2000).Select(i => System.Text.Encoding.ASCII.GetBytes($"{i}"))];
        Assert.InRange(others.Count(p => Marks.Has(Token, p)), 0, 40); // 8 expected; a whole hash would give 0
    }

    [Fact]
    public void Add_ManyPins_KeepsTheLastSixteenInASmallFileThatOthersCannotRead()
    {
        for (int i = 0; i < 30; i++)
        {
            Marks.Add(Token, [(byte)i, 0x73]);
        }

        string path = Marks.PathOf(Token)!;
        string[] lines = File.ReadAllLines(path);
        Assert.Equal("fediot-refused-pin/1", lines[0]);
        Assert.Equal(1 + RefusedPinMarks.MarksMax, lines.Length);
        Assert.All(lines[1..], l => Assert.Equal(35, l.Length));
        Assert.True(Marks.Has(Token, [29, 0x73]));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
    }

    [Fact]
    public void Has_DamagedLongOrForeignFile_RemembersNothingAndThrowsNothing()
    {
        Marks.Add(Token, "1111"u8);
        string path = Marks.PathOf(Token)!;
        foreach (string text in (string[])["", "x", "fediot-refused-pin/1\nzz zz\n", new('\n', 5000), "\u00ff\0"])
        {
            File.WriteAllText(path, text);
            Assert.False(Marks.Has(Token, "1111"u8));
            Marks.Add(Token, "1111"u8);
            Assert.True(Marks.Has(Token, "1111"u8));
        }
    }

    [Fact]
    public void Add_NoFolderOrOneThatCannotBeMade_ThrowsNothing()
    {
        File.WriteAllText(Path.Combine(folder, "file"), string.Empty);
        foreach (var marks in (RefusedPinMarks[])[new(null), new(Path.Combine(folder, "file", "below"))])
        {
            marks.Add(Token, "1111"u8);
            Assert.False(marks.Has(Token, "1111"u8));
            marks.Forget(Token);
        }
    }
}
