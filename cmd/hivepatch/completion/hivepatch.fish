# fish completion for hivepatch

function __hivepatch_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l lines ($words[1] __complete "=$word" $words[2..-1] 2>/dev/null)
    if contains -- :file $lines
        set -l kept (string match -r -- '^-[^=]*=' $word)
        set -l path (string replace -r -- '^-[^=]*=' '' $word)
        for file in (__fish_complete_path "$path")
            echo "$kept$file"
        end
    end
    for line in $lines
        test "$line" != :file; and echo $line
    end
end

complete -c hivepatch -f -a '(__hivepatch_complete)'
