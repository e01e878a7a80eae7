# PowerShell completion for hivepatch

Register-ArgumentCompleter -Native -CommandName 'hivepatch', 'hivepatch.exe' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @()
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $words += $element.Value
        } else {
            $words += $element.Extent.Text
        }
    }
    # Where there is no answer PowerShell completes files by itself.
    & $commandAst.GetCommandName() __complete "=$wordToComplete" @words 2>$null | ForEach-Object {
        $word, $meaning = $_ -split "`t", 2
        if ($word -ne ':file') {
            if (-not $meaning) { $meaning = $word }
            [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $meaning)
        }
    }
}
